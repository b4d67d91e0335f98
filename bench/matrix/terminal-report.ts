/** A run, or several beside each other, as a table for the terminal. */
import { thousands } from '../report/figures.ts';
import { formatTable } from '../report/table.ts';
import { DISTURBANCE, isDisturbed } from '../retake.ts';
import { ceilingOf, ratioOf, rowsOf, shown } from './measures.ts';
import type { BenchRun } from './run-result.ts';

export function terminalReport(runs: readonly BenchRun[]): string {
  const [first] = runs;
  const isPair = runs.length === 2;
  const head = ['workload', 'measure', ...runs.map(({ label }) => label), ...(isPair ? ['ratio'] : ['client alone'])];
  const rows = rowsOf(runs).map((row) => {
    const cell = first?.cells.find(({ name }) => name === row.cell);
    const ceiling = first === undefined || cell === undefined || row.measure !== 'received' ? undefined : ceilingOf(first, cell);
    const last = isPair ? ratioOf(row) : ceiling === undefined ? '' : `${thousands(ceiling)} msg/s`;
    return [row.cell, row.measure, ...row.values.map((value) => (value === undefined ? '-' : shown(value))), last];
  });
  const notes = runs.flatMap((run) => [...failures(run), ...disturbances(run)]);
  const facts = runs.map(({ label, machine, startedAt }) => `${label}: ${Object.entries(machine).map(([name, value]) => `${name} ${value}`).join('; ')}; ${startedAt}`);
  return `${[formatTable(head, rows), '', ...facts, ...notes].join('\n')}\n`;
}

function failures({ label, cells }: BenchRun): string[] {
  return cells.flatMap(({ name, failed }) => (failed === undefined ? [] : [`${label}: ${name} failed: ${failed}`]));
}

function disturbances({ label, cells }: BenchRun): string[] {
  const watched = cells.flatMap(({ figures }) => (figures !== undefined && 'othersShare' in figures ? [figures] : []));
  const disturbed = watched.filter(isDisturbed).length;
  return disturbed === 0 ? [] : [`${label}: ${disturbed} of ${watched.length} measurements were disturbed: ${DISTURBANCE}`];
}
