/**
 * Random histories of a store over a disk that is full at times, with restarts among them: what was committed is there, with the
 * same content, and nothing else is. Each of the mistakes below is one that the histories find.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import type { SourceChange } from '../../support/source-change.ts';
import { loadSmallStore } from './store-copy.ts';
import { storeHistories } from './store-commands.ts';

/** The test command tries the same histories each time; LEVERET_SEED=n tries others, and fast-check prints what failed. */
const SEED = Number(process.env['LEVERET_SEED'] ?? 20_261_121);
const RUNS = Number(process.env['LEVERET_RUNS'] ?? 800);
/** A mistake must show itself within so many histories. */
const CONTROL_RUNS = 2000;

const store = suite('histories of a store');

store('agree with the model, restarts included', async () => {
  fc.assert(storeHistories(await loadSmallStore()), { numRuns: RUNS, seed: SEED });
});

const MISTAKES: Readonly<Record<string, readonly SourceChange[]>> = {
  'a settle is forgotten': [{ file: 'segment.ts', right: '      gone[word]! |= mask;\n', wrong: '' }],
  'the last of a run is not settled': [{ file: 'segment.ts', right: 'const end = Math.min(to, this.span);', wrong: 'const end = Math.min(to - 1, this.span);' }],
  'a settle is not written': [{ file: 'segment-chain.ts', right: '    this.live -= fresh;\n    this.#noteChange(segment);\n', wrong: '    this.live -= fresh;\n    if (segment.live === 0) this.#noteChange(segment);\n' }],
  'a settled segment stays': [{ file: 'segment-chain.ts', right: 'if (segment.live === 0) removeSegment(', wrong: 'if (segment.live === 0 && segment.count > 1) removeSegment(' }],
  'the state of a removed segment stays': [{ file: 'segment-removal.ts', right: 'if (segment.stateWritten) changes.push', wrong: 'if (segment.live > 0) changes.push' }],
  'one of a batch that is split is lost': [{ file: 'segment-making.ts', right: 'if (builder.open && !builder.fits(position, bytes)) finish();', wrong: 'if (builder.open && !builder.fits(position, bytes)) { finish(); continue; }' }],
  'the second part of a batch is not known': [{ file: 'segment-chain.ts', right: '      else list.push(segment);', wrong: '      else if (index === 0) list.push(segment);' }],
  'a batch in vain is forgotten': [{ file: 'commit-group.ts', right: '      this.#tools.bodies.abandoned();\n', wrong: '      this.#tools.bodies.abandoned();\n      this.#touched = [];\n' }],
  'shared bodies of a batch in vain are taken for written': [{ file: 'shared-bodies.ts', right: '    this.#list.truncate(this.#committed);\n', wrong: '' }],
  'the replaced tail of a batch in vain is remembered': [{ file: 'segment-chain.ts', right: '    this.#replaced = undefined;\n', wrong: '' }],
  'the checksum of the contents is another one': [{ file: 'segment-builder.ts', right: 'this.#crc32(contents, this.#crc32(contentsKey))', wrong: 'this.#crc32(contents)' }],
  'the contents are one message short': [{ file: 'segment-builder.ts', right: 'const contents = this.#block.subarray(this.#from, this.#to);', wrong: 'const contents = this.#block.subarray(this.#from, this.#to - 1);' }],
  'contents are overwritten by those that follow': [{ file: 'segment-builder.ts', right: 'this.#used = this.#to + value.length;', wrong: 'this.#used = this.#to + value.length - 1;' }],
  'a block is used again too early': [{ file: 'segment-builder.ts', right: 'this.#block = this.#blocks[this.#blocksUsed++]!;', wrong: 'this.#block = this.#blocks[0]!;' }],
  'a segment is one message too long': [{ file: 'segment-builder.ts', right: 'this.#count < SEGMENT_MESSAGES_MAX &&', wrong: 'this.#count <= SEGMENT_MESSAGES_MAX &&' }],
  'a segment reaches one position too far': [{ file: 'segment-builder.ts', right: 'number - this.#first < SEGMENT_SPAN_MAX', wrong: 'number - this.#first <= SEGMENT_SPAN_MAX' }],
  'a message is where a hole is': [{ file: 'segment-builder.ts', right: '    if (!segment.known) segment.learn(this.#rows.offsets, told.count);\n', wrong: '' }],
  'recovery takes holes for messages': [{ file: 'segment.ts', right: 'return this.#gone !== undefined || this.count === this.span;', wrong: 'return true;' }],
  'the flags are lost': [{ file: 'segment-builder.ts', right: '    if ((flags & ~LEVEL_MASK) !== 0) this', wrong: '    if ((flags & ~LEVEL_MASK) > 1) this' }],
  'priorities are lost': [{ file: 'segment-builder.ts', right: '    if ((flags & LEVEL_MASK) !== 0) this', wrong: '    if ((flags & LEVEL_MASK) > 1 << 18) this' }],
  'priorities are read where the flags are': [{ file: 'index-record.ts', right: 'rows.flags[row]! |= value[at++]! << LEVEL_SHIFT', wrong: 'rows.flags[row]! |= value[at++]!' }],
  'what is settled comes back with a tail that is written anew': [{ file: 'segment-making.ts', right: 'segment.dirty = replaced.dirty || replaced.stateWritten;', wrong: 'segment.dirty = replaced.dirty;' }],
  'a tail that is written anew forgets what is settled': [{ file: 'segment-making.ts', right: '    segment.adopt(replaced.gone);\n', wrong: '' }],
  'a tail that is written anew forgets deliveries': [{ file: 'segment-making.ts', right: 'if (replaced.deliveriesAt(offset) !== 0) segment', wrong: 'if (replaced.deliveriesAt(offset) > 1) segment' }],
  'a tail takes positions that it has had before': [{ file: 'segment-making.ts', right: 'if (position < tail.end || !chain.isKnown(tail)) return false;', wrong: 'if (!chain.isKnown(tail)) return false;' }],
  'returned before the commit is forgotten': [{ file: 'segment-making.ts', right: '  segment.dirty ||= returned.length > 0;\n', wrong: '' }],
  'a repetition is stored': [{ file: 'store.ts', right: 'if (extended <= chain.last) return', wrong: 'if (extended === chain.last) return' }],
  'a repetition keeps its lease': [{ file: 'store.ts', right: 'if (extended <= chain.last) return this.#memory.release(address);', wrong: 'if (extended <= chain.last) return;' }],
  'positions do not wrap': [{ file: 'extended-position.ts', right: 'return near + ((position - near) | 0);', wrong: 'return near + (position - (near | 0));' }],
  'a cancelled message keeps its lease': [{ file: 'segment-chain.ts', right: '      memory.release(address);\n', wrong: '' }],
  'a cancelled message is written': [{ file: 'segment-making.ts', right: '    if (address === 0) continue;\n', wrong: '    if (address === 0 && index % 3 !== 2) continue;\n' }],
  'a lease ends twice': [{ file: 'segment-chain.ts', right: 'if (addresses[index] !== 0) this.#tools.memory.release(addresses[index]!);', wrong: 'this.#tools.memory.release(addresses[index]! || 1);' }],
  'a shared body goes too early': [{ file: 'shared-bodies.ts', right: 'segment.live -= count;', wrong: 'segment.live -= count + 1;' }],
  'a shared body is never removed': [{ file: 'shared-bodies.ts', right: '      if (segment.live === 0) this.#unused.push(segment);\n', wrong: '' }],
  'a shared body whose last message is cancelled stays': [{ file: 'segment-chain.ts', right: 'if (references[index] !== 0) bodies.cancel(references[index]!);', wrong: '' }],
  'a late reference is not counted': [{ file: 'shared-bodies.ts', right: '        segment.live++;\n', wrong: '' }],
  'a removed body is referred to': [{ file: 'shared-bodies.ts', right: 'segment !== undefined && !segment.removed && segment.holds(', wrong: 'segment !== undefined && segment.holds(' }],
  'a reference finds the body beside its own': [{ file: 'shared-bodies.ts', right: 'const row = rowAt(read.index, segment.count, number - segment.first);', wrong: 'const row = Math.min(number - segment.first, segment.count - 1);' }],
  'recovery does not count references': [{ file: 'recovery.ts', right: '    body.live++;\n', wrong: '' }],
  'bodies get numbers again that are taken': [{ file: 'shared-bodies.ts', right: '    this.#next = segment.end;\n', wrong: '    this.#next = segment.end - 1;\n' }],
  'a segment that goes keeps its shared bodies': [{ file: 'segment-chain.ts', right: '    this.segments--;\n    this.#tools.bodies.release(segment.references);\n', wrong: '    this.segments--;\n' }],
  'a deleted queue stays on the disk': [{ file: 'commit-group.ts', right: '      for (const key of keys) changes.push({ key, value: undefined });\n', wrong: '      for (const key of keys) if (key.length < 10) changes.push({ key, value: undefined });\n' }],
  'a deleted queue keeps its shared bodies': [{ file: 'segment-chain.ts', right: 'if (segment.live > 0) this.#tools.bodies.release(segment.references);', wrong: '' }],
  'a deleted queue is counted': [{ file: 'commit-group.ts', right: 'if (recorded) records--;', wrong: '' }],
  'paged messages stay after a restart': [{ file: 'recovery.ts', right: 'if (part === QueuePart.paged) leftovers.push(key);', wrong: 'if (part === QueuePart.paged) continue;' }],
  'paged messages are recovered': [{ file: 'store.ts', right: 'const chain = (flags & AppendFlag.paged) === 0 ? log.kept : log.paged;', wrong: 'const chain = log.kept;' }],
  'the mark of a clean stop stays': [{ file: 'commit-group.ts', right: '(this.#markFound || changes.length > 0)', wrong: 'false' }],
  'an unclean stop is forgotten with the next clean one': [{ file: 'queue-log.ts', right: 'redelivered: live === 0 ? 0 : this.redelivered', wrong: 'redelivered: 0' }],
  'what came after an unclean stop counts as delivered too': [{ file: 'recovery.ts', right: 'log.redelivered = Math.min(written?.redelivered ?? 0, Math.max(kept.last, 0));', wrong: 'log.redelivered = written?.redelivered ?? 0;' }],
  'the record of a queue is late': [{ file: 'queue-log.ts', right: '(written?.live ?? 0) === live &&', wrong: '' }],
  'what is retained is dropped': [{ file: 'retained-runs.ts', right: 'return runs.sort((left, right) => left.from - right.from);', wrong: 'return runs;' }],
  'what is not retained stays': [{ file: 'store.ts', right: 'if (end > settled) chain.settle(settled, end);', wrong: '' }],
  'a segment is not found again': [{ file: 'segment-list.ts', right: 'if (segments[middle]!.first <= number) low', wrong: 'if (segments[middle]!.first < number) low' }],
  'segments that live are taken from the list': [{ file: 'segment-list.ts', right: 'filter((segment) => !segment.removed)', wrong: 'filter((segment) => segment.live > 1)' }],
};

for (const [mistake, changes] of Object.entries(MISTAKES)) {
  store(`find that ${mistake}`, async () => {
    const found = fc.check(storeHistories(await loadSmallStore(changes)), { numRuns: CONTROL_RUNS, seed: SEED, endOnFailure: true });
    assert.ok(found.failed, `${CONTROL_RUNS} histories passed`);
  });
}

store.run();
