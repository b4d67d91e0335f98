/** The workloads of `leveret bench`, in the order in which they run. */
import { busyLatency, steadyLatency } from '../scenario/steady-latency.ts';
import { fanOut100b } from '../scenario/fan-out-100b.ts';
import { fillAndDrain } from '../scenario/fill-and-drain.ts';
import { BATCHED_ACK, PLAIN_LOAD, type Load } from '../scenario/load.ts';
import type { BacklogScenario, LatencyScenario, ThroughputScenario } from '../scenario/scenario.ts';
import { tenQueues100b } from '../scenario/ten-queues-100b.ts';

export type Cell = (ThroughputScenario | LatencyScenario | BacklogScenario) & { readonly warmupSeconds: number; readonly windowSeconds: number };

const SIZES = [
  { suffix: '16b', bodyBytes: 16, words: '16 B' },
  { suffix: '100b', bodyBytes: 100, words: '100 B' },
  { suffix: '1kib', bodyBytes: 1_024, words: '1 KiB' },
  { suffix: '64kib', bodyBytes: 65_536, words: '64 KiB' },
] as const;

const MODES: readonly { readonly name: string; readonly words: string; readonly load: Partial<Load> }[] = [
  { name: 'auto', words: 'transient, automatic ack', load: {} },
  { name: 'manual', words: 'transient, manual ack (prefetch 500, multiple every 100)', load: BATCHED_ACK },
  { name: 'persistent', words: 'persistent, confirms (1,000 outstanding), manual ack', load: { ...BATCHED_ACK, persistent: true, outstandingLimit: 1_000 } },
];

/** How long each workload warms up and is then measured, s; `quick`: to see that it works, the figures say little. */
const TIMES = { full: { warmupSeconds: 2, windowSeconds: 5 }, quick: { warmupSeconds: 0.3, windowSeconds: 0.7 } } as const;
const QUICK_NAMES: ReadonlySet<string> = new Set(['auto-100b', 'manual-100b', 'persistent-100b', 'fan-out', 'latency', 'fill-persistent']);
const QUICK_FILL = 20_000;

export type CellTimes = { readonly warmupSeconds?: number | undefined; readonly windowSeconds?: number | undefined };

function allCells(): (ThroughputScenario | LatencyScenario | BacklogScenario)[] {
  const pairs = MODES.flatMap(({ name, words, load }) =>
    SIZES.map(({ suffix, bodyBytes, words: size }): ThroughputScenario => ({
      kind: 'throughput',
      name: `${name}-${suffix}`,
      title: `${size}, ${words}`,
      load: { ...PLAIN_LOAD, ...load, bodyBytes },
    })),
  );
  return [...pairs, tenQueues100b, fanOut100b, steadyLatency, busyLatency, fillAndDrain];
}

/** The workloads of these names; all for an empty list. Throws a RangeError for an unknown name. */
export function cellsOf(isQuick: boolean, only: readonly string[], times: CellTimes): Cell[] {
  const cells = allCells();
  for (const name of only) {
    if (!cells.some((cell) => cell.name === name)) throw new RangeError(`no workload is called ${name}; there are ${cells.map((cell) => cell.name).join(', ')}`);
  }
  const chosen = cells.filter(({ name }) => (only.length > 0 ? only.includes(name) : !isQuick || QUICK_NAMES.has(name)));
  const usual = isQuick ? TIMES.quick : TIMES.full;
  return chosen.map((cell) => {
    const timing = { warmupSeconds: times.warmupSeconds ?? usual.warmupSeconds, windowSeconds: times.windowSeconds ?? usual.windowSeconds };
    if (!isQuick) return { ...cell, ...timing };
    if (cell.kind === 'backlog') return { ...cell, ...timing, fill: { ...cell.fill, messages: QUICK_FILL } };
    return cell.kind === 'latency' ? { ...cell, ...timing, heatSeconds: 0.3, settleSeconds: 0.3 } : { ...cell, ...timing };
  });
}

/** About how long a cell takes, s: for the bar. */
export function expectedSeconds(cell: Cell): number {
  const CLIENT_START_SECONDS = 0.7;
  if (cell.kind === 'backlog') return CLIENT_START_SECONDS + cell.fill.messages / 100_000;
  const heatSeconds = cell.kind === 'latency' ? cell.heatSeconds + cell.settleSeconds : 0;
  return CLIENT_START_SECONDS + heatSeconds + cell.warmupSeconds + cell.windowSeconds;
}

/** The sizes of which the ceiling of the client is asked: those of the pairs with automatic ack. */
export function ceilingLoads(cells: readonly Cell[]): Load[] {
  return cells.flatMap((cell) => (cell.kind === 'throughput' && cell.name.startsWith('auto-') ? [cell.load] : []));
}
