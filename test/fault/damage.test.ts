/**
 * A node on a damaged store either hands out what was put in, or refuses to start and says why, or shows the queue that is harmed as
 * crashed while the others are whole. It never hands out anything false, and never hangs.
 *
 * LEVERET_DAMAGES=500 tries that many; LEVERET_SEED=n others.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AnsweringProcess, type ProcessEnd } from '../support/answering-process.ts';
import { brokenCopy } from '../support/fault-node.ts';
import { Random } from '../support/hostile/random.ts';
import type { DamageAnswer, DamageOrder } from './damage-reader.ts';
import { crc32 } from 'node:zlib';
import { readJournalMark } from '../../src/store/journal/journal-mark.ts';
import { readJournal } from '../../src/store/journal/journal-reading.ts';
import { blocksOf, recordBytesOf } from '../../src/store/journal/journal-record.ts';
import { JOURNAL_KEY } from '../../src/store/store-keys.ts';
import { LmdbFileDisk } from '../../native-free-io/lmdb/file-disk.ts';
import { JOURNAL_FILE, STORE_FILE, type DamageWorld, buildDamageWorld } from './damage-world.ts';
import { damage } from './lmdb-damages.ts';

const DAMAGES = Number(process.env['LEVERET_DAMAGES'] ?? 50);
const JOURNAL_DAMAGES = Math.ceil(DAMAGES / 4);
const SEED = Number(process.env['LEVERET_SEED'] ?? 1);
const PAGE_BYTES = 4096;
/** Without checksums: so many damages at most until something false was handed out. */
const CONTROL_DAMAGES_MAX = 60;
const ANSWER_TIMEOUT_MS = 60_000;
/** A worker that runs for long says nothing about the next damage. */
const DAMAGES_OF_A_READER = 100;

type Finding = { readonly outcome: DamageAnswer['outcome'] | ProcessEnd['outcome']; readonly text: string };

const directory = mkdtempSync(join(tmpdir(), 'leveret-node-damage-'));
const reader = new AnsweringProcess<DamageOrder, DamageAnswer>({
  file: join(import.meta.dirname, 'damage-reader.ts'),
  timeoutMs: ANSWER_TIMEOUT_MS,
  ordersMax: DAMAGES_OF_A_READER,
});
let world: DamageWorld;
const test = suite('a node on a damaged store');

test.before(async () => {
  world = await buildDamageWorld(join(directory, 'world'), SEED);
});

test.after(() => {
  reader.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Half of the damages aim at the structure of the file, and half may hit anything: most of it is what messages are made of. */
function damaged(index: number): { readonly bytes: Buffer; readonly what: string } {
  const seed = SEED * 1_000_003 + index;
  return index % 2 === 0 ? damage(world.bytes, world.earlier, seed) : anywhere(new Random(seed));
}

function anywhere(random: Random): { readonly bytes: Buffer; readonly what: string } {
  const bytes = Buffer.from(world.bytes);
  const pages = Math.floor(bytes.length / PAGE_BYTES);
  const page = random.below(pages);
  const start = page * PAGE_BYTES;
  const kind = random.pick(['bit', 'zeroed page', 'swapped pages', 'cut tail'] as const);
  if (kind === 'bit') {
    const at = start + random.below(PAGE_BYTES);
    bytes[at] = bytes[at]! ^ (1 << random.below(8));
    return { bytes, what: `a bit of byte ${at}` };
  }
  if (kind === 'zeroed page') return { bytes: bytes.fill(0, start, start + PAGE_BYTES), what: `page ${page} zeroed` };
  if (kind === 'cut tail') return { bytes: bytes.subarray(0, start + random.below(PAGE_BYTES)), what: `cut within page ${page}` };
  const other = random.below(pages) * PAGE_BYTES;
  bytes.copyWithin(start, other, other + PAGE_BYTES);
  world.bytes.copy(bytes, other, start, start + PAGE_BYTES);
  return { bytes, what: `pages ${page} and ${other / PAGE_BYTES} swapped` };
}

async function findingOf(bytes: Buffer, index: number, root?: string, journal?: Buffer): Promise<Finding> {
  const dataDir = join(directory, `damaged-${index}`);
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, STORE_FILE), bytes);
  if (journal !== undefined) writeFileSync(join(dataDir, JOURNAL_FILE), journal);
  const finding = await reader.ask({ dataDir, expected: world.expected, ...(root === undefined ? {} : { root }) });
  rmSync(dataDir, { recursive: true, force: true });
  return finding;
}

test('a store that nobody damaged has everything', async () => {
  assert.equal(await findingOf(world.bytes, 0), { outcome: 'correct', text: '' });
});

test(`${DAMAGES} damages: nothing false, nothing missing in silence, no end of the process, no hang`, async () => {
  const outcomes = new Map<string, number>();
  const failures: string[] = [];
  for (let index = 0; index < DAMAGES; index++) {
    const { bytes, what } = damaged(index);
    const { outcome, text } = await findingOf(bytes, index);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (outcome === 'wrong' || outcome === 'died' || outcome === 'hung') failures.push(`damage ${index} (${what}): ${outcome}, ${text}`);
  }
  if (process.env['LEVERET_DAMAGES'] !== undefined) process.stdout.write(`${JSON.stringify(Object.fromEntries(outcomes))}\n`);
  assert.equal(failures, []);
  for (const outcome of ['refused', 'crashed', 'correct']) assert.ok(outcomes.has(outcome), `some are ${outcome}`);
});

/** Blocks that the journal of the killed node uses, and those before its last record. */
function blocksUsed(): { readonly used: number; readonly beforeLast: number } {
  const file = join(directory, 'killed.mdb');
  writeFileSync(file, world.killed.bytes);
  const mark = readJournalMark(crc32, new LmdbFileDisk(file).get(JOURNAL_KEY));
  const { records, blocks } = readJournal(crc32, world.killed.journal, mark);
  return { used: blocks, beforeLast: blocks - blocksOf(recordBytesOf(records.at(-1)!)) };
}

type JournalDamage = { readonly journal: Buffer; readonly what: string; readonly isOfLast: boolean };

function damagedJournal(index: number, used: number, beforeLast: number): JournalDamage {
  const random = new Random(SEED * 1_000_003 + index);
  const journal = Buffer.from(world.killed.journal);
  const block = random.below(used);
  const kind = random.pick(['bit', 'bit', 'zeroed block', 'cut tail'] as const);
  const at = block * PAGE_BYTES + random.below(PAGE_BYTES);
  if (kind === 'cut tail') return { journal: journal.subarray(0, at), what: `cut at ${at}`, isOfLast: false };
  if (kind === 'bit') journal[at]! ^= 1 << random.below(8);
  else journal.fill(0, block * PAGE_BYTES, (block + 1) * PAGE_BYTES);
  return { journal, what: `${kind} in block ${block} of ${used}`, isOfLast: kind === 'bit' && block >= beforeLast };
}

/** A last record that is damaged looks like one that was being written: what was in it is missing, and that is told. */
function isTold({ outcome, text }: Finding): boolean {
  return outcome === 'wrong' && !text.includes('is false') && text.includes("the last one of the store's journal, is not whole");
}

test('a journal that nobody damaged has what the database has not', async () => {
  assert.equal(await findingOf(world.killed.bytes, 0, undefined, world.killed.journal), { outcome: 'correct', text: '' });
  const { outcome } = await findingOf(world.killed.bytes, 0);
  assert.is(outcome, 'refused', 'without it');
});

test(`${JOURNAL_DAMAGES} damages of a journal: the node refuses, or tells that its last record is not whole`, async () => {
  const { used, beforeLast } = blocksUsed();
  const outcomes = new Map<string, number>();
  const failures: string[] = [];
  for (let index = 0; index < JOURNAL_DAMAGES; index++) {
    const { journal, what, isOfLast } = damagedJournal(index, used, beforeLast);
    const finding = await findingOf(world.killed.bytes, index, undefined, journal);
    outcomes.set(finding.outcome, (outcomes.get(finding.outcome) ?? 0) + 1);
    if (finding.outcome !== 'refused' && !(isOfLast && isTold(finding))) failures.push(`damage ${index} (${what}): ${finding.outcome}, ${finding.text}`);
  }
  if (process.env['LEVERET_DAMAGES'] !== undefined) process.stdout.write(`${JSON.stringify(Object.fromEntries(outcomes))}\n`);
  assert.equal(failures, []);
  assert.ok(outcomes.has('refused'));
});

test('control: a build that takes each damage of the journal for its end loses messages', async () => {
  const copy = brokenCopy({ file: 'src/store/journal/journal-reading.ts', right: 'if (later !== undefined) throw', wrong: 'if (later === null) throw' });
  try {
    const { used, beforeLast } = blocksUsed();
    let isFound = false;
    for (let index = 0; index < CONTROL_DAMAGES_MAX && !isFound; index++) {
      const { journal, what, isOfLast } = damagedJournal(index, used, beforeLast);
      if (isOfLast || !what.startsWith('bit')) continue;
      isFound = (await findingOf(world.killed.bytes, index, copy.root, journal)).outcome === 'wrong';
    }
    assert.ok(isFound);
  } finally {
    reader.stop();
    copy.remove();
  }
});

test('control: a build that does not compare the checksum of contents hands out what is false', async () => {
  const copy = brokenCopy({
    file: 'src/store/segment-reader.ts',
    right: 'contents.length !== segment.bytes || this.#crc32(contents, this.#crc32(key)) !== index.contentsCrc',
    wrong: 'contents.length !== segment.bytes',
  });
  try {
    let found: Finding | undefined;
    // Other ways to be wrong come first now and then, such as a message that is not there.
    const isFound = (): boolean => found?.outcome === 'wrong' && found.text.includes('is false');
    for (let index = 1; index < 2 * CONTROL_DAMAGES_MAX && !isFound(); index += 2) found = await findingOf(damaged(index).bytes, index, copy.root);
    assert.ok(isFound(), JSON.stringify(found));
  } finally {
    reader.stop();
    copy.remove();
  }
});

test.run();
