/**
 * Random histories of a disk with its journal: ends of the process at any moment, in the middle of writes, a device that is full at
 * times, and a journal that is damaged: what was committed is there, or the damage is told. Each of the mistakes below is one that the
 * histories find.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { type JournalModule, loadSmallJournal } from './journal-copy.ts';
import { JournalWorld } from './journal-world.ts';
import type { SourceChange } from '../../support/source-change.ts';

/** The test command tries the same histories each time; LEVERET_SEED=n tries others, and fast-check prints what failed. */
const SEED = Number(process.env['LEVERET_SEED'] ?? 20_261_121);
const RUNS = Number(process.env['LEVERET_RUNS'] ?? 600);
/** A mistake must show itself within so many histories. */
const CONTROL_RUNS = 2000;
const STEPS_MAX = 60;

type Step = { readonly text: string; readonly take: (world: JournalWorld) => void };

const sizeBytes = fc.oneof(fc.constant(undefined), fc.constantFrom(0, 3, 4, 40, 400, 4000, 4072, 9000, 20_000));
const puts = fc.array(fc.record({ key: fc.nat(9), sizeBytes }), { minLength: 1, maxLength: 4 });
const small = fc.array(fc.record({ key: fc.nat(9), sizeBytes: fc.constantFrom(undefined, 4, 40, 4072) }), { minLength: 1, maxLength: 2 });
const moment = fc.constantFrom('before' as const, 'within' as const, 'within' as const, 'after' as const);
const kind = fc.constantFrom('bit' as const, 'zeroed block' as const, 'cut' as const, 'missing' as const, 'other block' as const);

function step<T>(name: string, value: fc.Arbitrary<T>, take: (world: JournalWorld, value: T) => void): fc.Arbitrary<Step> {
  return value.map((one) => ({ text: `${name}(${JSON.stringify(one)})`, take: (world) => take(world, one) }));
}

const anyStep = fc.oneof(
  { weight: 12, arbitrary: step('commit', small, (world, one) => world.commit(one)) },
  { weight: 6, arbitrary: step('commit', puts, (world, one) => world.commit(one)) },
  { weight: 1, arbitrary: step('idle', fc.constant(null), (world) => world.idle()) },
  { weight: 2, arbitrary: step('kill', fc.constant(null), (world) => world.kill()) },
  { weight: 1, arbitrary: step('restart', fc.boolean(), (world, one) => world.restart(one)) },
  { weight: 1, arbitrary: step('put back', fc.constant(null), (world) => world.putBack()) },
  { weight: 2, arbitrary: step('full', fc.tuple(fc.boolean(), fc.boolean()), (world, [full, inPlace]) => world.full(full, inPlace)) },
  { weight: 3, arbitrary: step('lose record', fc.tuple(small, fc.array(fc.boolean(), { minLength: 1, maxLength: 24 }), moment), (world, one) => world.loseRecord(...one)) },
  { weight: 1, arbitrary: step('lose commit', fc.boolean(), (world, one) => world.loseCommit(one)) },
  { weight: 2, arbitrary: step('damage', fc.tuple(kind, fc.nat(8 * 4096 - 1)), (world, one) => world.damage(...one)) },
);

function histories(module: JournalModule, told: (world: JournalWorld) => void = () => {}): fc.IPropertyWithHooks<[Step[]]> {
  return fc.property(fc.array(anyStep, { maxLength: STEPS_MAX, size: 'max' }).map((steps) => Object.assign(steps, { toString: () => steps.map(({ text }) => text).join('; ') })), (steps) => {
    const world = new JournalWorld(module);
    for (const { take } of steps) {
      take(world);
      world.check();
    }
    told(world);
  });
}

const journal = suite('histories of a disk with its journal');

journal('agree with the model, ends of the process and damages included', async () => {
  let damagesFound = 0;
  fc.assert(histories(await loadSmallJournal(), (world) => (damagesFound += world.damagesFound)), { numRuns: RUNS, seed: SEED, includeErrorInReport: true });
  assert.ok(damagesFound > RUNS / 4, `${damagesFound} damages were found`);
});

const MISTAKES: Readonly<Record<string, readonly SourceChange[]>> = {
  'a record is confirmed that was not written': [{ file: 'journaled-disk.ts', right: 'this.#file.write(laid, this.#blocks * BLOCK_BYTES);', wrong: 'if (this.#records !== 2) this.#file.write(laid, this.#blocks * BLOCK_BYTES);' }],
  'what lies over the database comes after the commit': [{ file: 'journaled-disk.ts', right: '[...this.#overlay.changes(), ...changes, ...', wrong: '[...changes, ...this.#overlay.changes(), ...' }],
  'a large commit leaves behind what came before': [{ file: 'journaled-disk.ts', right: 'if (this.#begun && this.#records === 0) return', wrong: 'if (this.#begun && changes.length > 0) return' }],
  'the cycle stays': [{ file: 'journaled-disk.ts', right: 'cycle: this.#lastCycle + 1,', wrong: 'cycle: Math.max(1, this.#lastCycle),' }],
  'cycles of another file are not looked at': [{ file: 'journaled-disk.ts', right: 'Math.max(this.#mark.cycle, lastCycle)', wrong: 'this.#mark.cycle + 0 * lastCycle' }, { file: 'journaled-disk.ts', right: '{ cycle: this.#lastCycle, blocks: 0 }', wrong: '{ cycle: this.#lastCycle - 1, blocks: 0 }' }],
  'a commit that failed is followed by others': [{ file: 'journaled-disk.ts', right: '    if (this.#failure !== undefined) throw this.#failure;\n', wrong: '' }],
  'a start appends behind what it found': [{ file: 'journaled-disk.ts', right: '  #begun = false;', wrong: '  #begun = true;' }],
  'records of an older cycle count': [{ file: 'journal-reading.ts', right: 'head.cycle !== cycle || ', wrong: '' }],
  'records that are not the next count': [{ file: 'journal-reading.ts', right: 'head.record !== record || ', wrong: '' }],
  'a record of which a block is missing counts': [{ file: 'journal-reading.ts', right: 'head.index !== index || ', wrong: 'head.index > index || ' }, { file: 'journal-block.ts', right: '  if (block.readUInt32BE(0) !== crc32(block.subarray(CRC_BYTES))) return undefined;\n', wrong: '' }],
  'checksums are not compared': [{ file: 'journal-block.ts', right: '  if (block.readUInt32BE(0) !== crc32(block.subarray(CRC_BYTES))) return undefined;\n', wrong: '' }],
  'a damage before the end is taken for the end': [{ file: 'journal-reading.ts', right: 'if (later !== undefined) throw', wrong: 'if (later === null) throw' }],
  'zeros are taken for the end': [{ file: 'journal-reading.ts', right: 'if (heads[at] === undefined && at < heads.length && isZeros(', wrong: 'if (at < 0 && isZeros(' }, { file: 'journal-reading.ts', right: '(head === undefined || head.cycle === cycle)', wrong: 'head?.cycle === cycle' }],
  'a last record that is not whole is not told': [{ file: 'journal-reading.ts', right: '(head === undefined || head.cycle === cycle)', wrong: 'head?.cycle === -1' }],
  'a journal that was cut is taken as it is': [{ file: 'journal-reading.ts', right: 'bytes.length !== mark.blocks * BLOCK_BYTES', wrong: 'bytes.length < 0' }],
  'a journal that is missing is taken for an empty one': [{ file: 'journaled-disk.ts', right: "if (bytes === undefined && this.#mark.blocks > 0) throw new JournalFault('it is missing');", wrong: '' }, { file: 'journal-reading.ts', right: 'bytes.length !== mark.blocks * BLOCK_BYTES', wrong: 'bytes.length < 0' }],
  'the end leaves the journal behind': [{ file: 'journaled-disk.ts', right: '[...this.#overlay.changes(), closed]', wrong: '[closed]' }],
  'a key that goes is seen': [{ file: 'overlaid-disk.ts', right: 'else if (changes[at++]!.value !== undefined) yield key;', wrong: 'else if (at++ >= 0) yield key;' }],
  'what is above the last key of the database is not seen': [{ file: 'overlaid-disk.ts', right: 'while (at < changes.length) yield* own();', wrong: '' }],
  'an older value is seen': [{ file: 'overlay.ts', right: 'this.#values.set(text, value);', wrong: 'if (!this.#values.has(text)) this.#values.set(text, value);' }],
  'the order of keys is that of before': [{ file: 'overlay.ts', right: 'if (!this.#values.has(text)) this.#sorted = undefined;', wrong: '' }],
  'the rest of an older record stands behind a record': [{ file: 'journal-record.ts', right: 'if (end > record.length) return undefined;', wrong: 'if (end + 1 > record.length) return undefined;' }],
};

for (const [mistake, changes] of Object.entries(MISTAKES)) {
  journal(`find that ${mistake}`, async () => {
    const found = fc.check(histories(await loadSmallJournal(changes)), { numRuns: CONTROL_RUNS, seed: SEED, endOnFailure: true });
    assert.ok(found.failed, `${CONTROL_RUNS} histories passed`);
  });
}

journal.run();
