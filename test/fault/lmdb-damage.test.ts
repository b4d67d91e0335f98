/**
 * Damage of the database file neither crashes the node nor fools it: what the file check lets through can be opened, read and
 * written on; whatever is wrong then is told by a checksum or by the inventory.
 *
 * LEVERET_DAMAGES=5000 tries that many; LEVERET_SEED=n others.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AnsweringProcess, type ProcessEnd } from '../support/answering-process.ts';
import { buildWorld, type World, type WorldKind } from './lmdb-damage-world.ts';
import { damage } from './lmdb-damages.ts';
import type { ReaderAnswer, ReaderOrder } from './lmdb-damage-reader.ts';

const DAMAGES = Number(process.env['LEVERET_DAMAGES'] ?? 50);
const SEED = Number(process.env['LEVERET_SEED'] ?? 1);
/** Without the file check: so many damages at most until LMDB has been seen to die and to hide entries. */
const CONTROL_DAMAGES_MAX = 200;
const ANSWER_TIMEOUT_MS = 30_000;
/** `closed` is not among them: what the file check lets through can be opened. */
const HARMLESS: ReadonlySet<Finding['outcome']> = new Set(['refused', 'intact', 'noticed'] as const);
const KINDS: readonly WorldKind[] = ['one page', 'small values', 'large values', 'churn'];

type Finding = ReaderAnswer | ProcessEnd;

const directory = mkdtempSync(join(tmpdir(), 'leveret-damage-'));
const reader = new AnsweringProcess<ReaderOrder, ReaderAnswer>({
  file: join(import.meta.dirname, 'lmdb-damage-reader.ts'),
  timeoutMs: ANSWER_TIMEOUT_MS,
});
const worlds: World[] = [];
const test = suite('damage of the database file');

test.before(() => {
  for (const [index, kind] of KINDS.entries()) worlds.push(buildWorld(join(directory, `world-${index}`), kind, SEED * 100 + index));
});

test.after(() => {
  reader.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function readDamaged(index: number, checked: boolean): Promise<{ finding: Finding; what: string }> {
  const world = worlds[index % worlds.length]!;
  const damaged = damage(world.bytes, world.earlier, SEED * 1_000_003 + index);
  const finding = await readBytes(damaged.bytes, world, index, checked);
  return { finding, what: `damage ${index} (${KINDS[index % worlds.length]}; ${damaged.what})` };
}

async function readBytes(bytes: Buffer, world: World, index: number, checked: boolean): Promise<Finding> {
  const path = join(directory, `damaged-${index}`);
  writeFileSync(path, bytes);
  const finding = await reader.ask({ path, expected: world.expected, checked, seed: index });
  rmSync(path, { force: true });
  rmSync(`${path}-lock`, { force: true });
  return finding;
}

test('a file that nobody damaged is sound, and can be read and written', async () => {
  for (const [index, world] of worlds.entries()) {
    const finding = await readBytes(world.bytes, world, index, true);
    assert.is(finding.outcome, 'intact', finding.text);
  }
});

test(`${DAMAGES} damaged files: no crash, no hang, nothing wrong that is not told`, async () => {
  const outcomes = new Map<string, number>();
  const failures: string[] = [];
  for (let index = 0; index < DAMAGES; index++) {
    const { finding, what } = await readDamaged(index, true);
    outcomes.set(finding.outcome, (outcomes.get(finding.outcome) ?? 0) + 1);
    if (!HARMLESS.has(finding.outcome)) failures.push(`${what}: ${finding.outcome}, ${finding.text}`);
  }
  if (process.env['LEVERET_DAMAGES'] !== undefined) process.stdout.write(`${JSON.stringify(Object.fromEntries(outcomes))}\n`);
  assert.equal(failures, []);
  assert.ok((outcomes.get('refused') ?? 0) > DAMAGES / 5, 'damages reach what the file check looks at');
  assert.ok((outcomes.get('refused') ?? 0) < DAMAGES, 'and the file check does not refuse everything');
});

test('without the file check LMDB dies of such files, and hides entries', async () => {
  let crashes = 0;
  let hidden = 0;
  for (let index = 0; index < CONTROL_DAMAGES_MAX && (crashes === 0 || hidden === 0); index++) {
    const { finding } = await readDamaged(index, false);
    if (finding.outcome === 'died') crashes++;
    else if (finding.outcome === 'silent' || ('missing' in finding && finding.missing > 1)) hidden++;
  }
  assert.ok(crashes > 0, 'a crash');
  assert.ok(hidden > 0, 'entries that are not seen');
});

test.run();
