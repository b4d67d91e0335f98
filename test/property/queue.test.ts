/**
 * Random histories of a queue with crashes among its changes, any of them: nothing is lost, nothing is there twice, and
 * everything is where the model says. Each of the mistakes below is one that the histories find.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { Settle } from '../../src/broker/queue/queue-machine.ts';
import type { SourceChange } from '../support/source-change.ts';
import { loadSmallQueue } from './support/queue-copy.ts';
import { queueHistories, specOf } from './support/queue-commands.ts';
import { QueueWorld } from './support/queue-world.ts';

/** Other histories each time; fast-check prints the seed of what failed, and LEVERET_SEED=n tries those again. */
const SEED = process.env['LEVERET_SEED'];
const RUNS = 600;
/** A mistake must show itself within so many histories. */
const CONTROL_RUNS = 60_000;

const queue = suite('histories of a queue');

queue('agree with the model, crashes included', async () => {
  fc.assert(queueHistories(await loadSmallQueue()), { numRuns: RUNS, ...(SEED !== undefined && { seed: Number(SEED) }) });
});

queue('may lose a chunk in a crash and another in the crash of the recovery', async () => {
  const world = new QueueWorld(await loadSmallQueue(), { start: 2 ** 31 - 60, single: true });
  world.publish(1, 116);
  const getter = specOf({ connection: 1, channel: 1 });
  world.get(getter);
  world.get(getter);
  world.purge();
  // Both crashes come between the change of FIRST_CHUNK and the return of the chunk that stood there.
  world.lightFuse(9, 2, 0);
  for (const entry of world.model.unsettled) world.settle(entry, Settle.ack);
  world.check();
  world.clear();
  assert.is(world.crashes, 2);
  assert.is(world.memory.chunkCount, 2, 'chunks that were cut loose');
});

queue('keep the order of a priority when a crash finds one waiting among those that came back', async () => {
  const delayedRetry = { type: 'returned', minMs: 0, maxMs: 40 } as const;
  const world = new QueueWorld(await loadSmallQueue(), { start: 0, single: false, delayedRetry, maxPriority: 2 });
  world.publish(1, 12);
  const getter = specOf({ connection: 1, channel: 1 });
  const take = (count: number): void => {
    for (let left = count; left > 0; left--) world.get(getter);
  };
  take(12);
  const [youngest] = world.model.unsettled.filter(({ priority }) => priority === 2).slice(-1);
  world.settle(youngest!, Settle.returned);
  world.lightFuse(0, -1, 0);
  world.endDelays();
  assert.is(world.crashes, 1);
  take(12);
  world.check();
  world.clear();
});

const ledger = 'ledger.ts';
const machine = 'queue-machine.ts';
const fifo = 'fifo-order.ts';
const priority = 'priority-order.ts';
const ring = 'position-ring.ts';

/** In the ledger: the end of a lease, and what a recovery does to what was unsettled. */
const RELEASE = '    if (ints[entry + ADDRESS] !== 0) this.#memory.release(ints[entry + ADDRESS]!);\n';
const LEAVES = '    ints[entry + STATE] = GONE;\n    this.#slots[this.#slot + counter]!++;\n';
const COMES_BACK = 'this.setState(position, READY | REDELIVERED_FLAG | (state & FLAGS_MASK), 0);\n';
const COUNTED = '        if (this.deliveries(position) < deliveriesMax) this.countDelivery(position);\n';

const MISTAKES: Readonly<Record<string, readonly SourceChange[]>> = {
  'the tail is committed before the entry': [
    { file: ledger, right: '    ints[entry + ADDRESS] = address;\n', wrong: '    this.#slots[this.#slot + TAIL] = position + 1;\n    ints[entry + ADDRESS] = address;\n' },
  ],
  'recovery forgets what was unsettled': [
    { file: ledger, right: COMES_BACK, wrong: 'this.setState(position, GONE, 0);\n' },
  ],
  'recovery does not mark what was unsettled': [
    { file: ledger, right: COMES_BACK, wrong: 'this.setState(position, READY, 0);\n' },
  ],
  'recovery leaves the comebacks where nobody looks': [
    { file: fifo, right: 'if ((ledger.state(position) & READY_MASK) === READY) this.#returned', wrong: 'if (ledger.state(position) === READY) this.#returned' },
  ],
  'recovery takes the chunk that the head has left for the head\'s': [
    { file: ledger, right: '    if (behind !== 0) this.#dropChunk();\n', wrong: '' },
  ],
  'recovery does not make up for a count': [
    { file: ledger, right: '    this.setCounter(SETTLED, this.tail - live - this.counter(DROPPED));\n', wrong: '' },
  ],
  'a letter begins again from its first message': [
    { file: ledger, right: 'return (this.tail - this.#slots[slot + LETTER_TAIL]!) | 0;', wrong: 'return 0;' },
  ],
  'a letter is known before its tail': [
    { file: ledger, right: '    this.#slots[slot + LETTER_SENDER] = 0;\n    this.#slots[slot + LETTER_TAIL] = this.tail;\n', wrong: '    this.#slots[slot + LETTER_SENDER] = sender;\n' },
    { file: ledger, right: '    this.#slots[slot + LETTER_SENDER] = sender;\n    return 0;', wrong: '    this.#slots[slot + LETTER_TAIL] = this.tail;\n    return 0;' },
  ],
  'a lease ends before the message is gone': [
    { file: ledger, right: LEAVES, wrong: `    this.#memory.release(ints[entry + ADDRESS]!);\n${LEAVES}` },
    { file: ledger, right: RELEASE, wrong: '' },
  ],
  'a lease ends twice': [
    { file: ledger, right: RELEASE, wrong: '    this.#memory.release(ints[entry + ADDRESS]!);\n    this.#memory.release(ints[entry + ADDRESS]!);\n' },
  ],
  'the leases of what goes together end before it is gone': [
    {
      file: ledger,
      right: '      ints[entry + STATE] = GONE;\n      this.#memory.release(ints[entry + ADDRESS]!);\n',
      wrong: '      this.#memory.release(ints[entry + ADDRESS]!);\n      ints[entry + STATE] = GONE;\n',
    },
  ],
  'what goes together is not counted': [{ file: ledger, right: '    this.#slots[this.#slot + SETTLED]! += removed;\n', wrong: '' }],
  'what goes together may be another\'s': [{ file: ledger, right: ' || ints[entry + OWNER] !== owner) break;', wrong: ') break;' }],
  'what goes together is more than was settled': [{ file: 'position-run.ts', right: 'positions[next] === next + offset', wrong: 'next < positions.length' }],
  'anybody may settle the head': [{ file: machine, right: '    if (consumer.spec.connection !== connection) return 0;\n', wrong: '' }],
  'a chunk is kept': [{ file: ledger, right: '    this.#memory.freeChunk(chunk);\n    if (index', wrong: '    if (index' }],
  'a chunk in the midst is kept': [{ file: ledger, right: '    if (index === this.#firstIndex) return;\n', wrong: '    if (index >= 0) return;\n' }],
  'a chunk in the midst is given back while the chain leads to it': [
    { file: ledger, right: '    const gap = behind + (link', wrong: '    memory.freeChunk(chunk);\n    const gap = behind + (link' },
    { file: ledger, right: '    this.#foundNumber = -1;\n    memory.freeChunk(chunk);\n', wrong: '    this.#foundNumber = -1;\n' },
  ],
  'a link does not say how far it leads': [
    { file: ledger, right: '(link & ~GAP_MASK) | gap', wrong: 'link' },
  ],
  'recovery closes up the holes': [{ file: ledger, right: '      this.#addHole((link & GAP_MASK) - 1);\n', wrong: '' }],
  'recovery forgets the hole before the tail': [{ file: ledger, right: '    this.#addHole(chunks - this.#chunks.length);\n', wrong: '' }],
  'recovery takes a hole for what was never delivered': [
    { file: fifo, right: ' || next !== ((position + 1) | 0)) cursor', wrong: ') cursor' },
  ],
  'positions are compared as plain numbers': [
    { file: 'position-heap.ts', right: 'if (((position - heap[parent]!) | 0) >= 0) break;', wrong: 'if (position >= heap[parent]!) break;' },
  ],
  'positions do not wrap': [
    { file: ledger, right: 'this.tail = (position + 1) | 0;', wrong: 'this.tail = position + 1;' },
  ],
  'a requeued message goes to the end': [
    { file: fifo, right: 'if (this.#returned.size > 0) return', wrong: 'if (this.#returned.size > 0 && this.cursor === this.#ledger.tail) return' },
  ],
  'a higher priority does not go first': [
    { file: priority, right: 'return (word << 5) | (31 - Math.clz32(this.#filled[word]!));', wrong: 'return (word << 5) | (31 - Math.clz32(this.#filled[word]! & -this.#filled[word]!));' },
  ],
  'a priority above 31 is another': [{ file: priority, right: '    while (this.#filled[word] === 0) word--;\n', wrong: '    word = 0;\n' }],
  'a priority above the highest is not held to it': [{ file: priority, right: 'Math.min(this.#priorities.of(address), this.#priorities.max)', wrong: 'this.#priorities.of(address) % (this.#priorities.max + 1)' }],
  'a message with a priority comes back behind younger ones': [
    { file: priority, right: 'this.#levelAt(position).returned.push(position);', wrong: 'this.#levelAt(position).fresh.push(position);' },
  ],
  'a level stays filled when its last message is taken': [
    { file: priority, right: 'if (returned.size + fresh.size === 0) this', wrong: 'if (fresh.size < 0) this' },
  ],
  'a priority forgets in a crash that one that waits is older than others': [
    { file: priority, right: '?.age();', wrong: '?.size;' },
  ],
  'a crash forgets priorities': [{ file: 'ledger-layout.ts', right: ' | EXPIRING_FLAG | LEVEL_MASK;', wrong: ' | EXPIRING_FLAG;' }],
  'a ring that grows loses what has gone round': [
    { file: ring, right: '    if (untilEnd.length < this.size) words.set(', wrong: '    if (untilEnd.length > this.size) words.set(' },
  ],
  'what a client with priorities holds does not come back with its end': [
    { file: priority, right: '    return this.#ledger.tail;\n', wrong: '    return this.#ledger.head;\n' },
  ],
  'a requeued message is not marked': [
    { file: machine, right: 'READY | REDELIVERED_FLAG | (waits', wrong: 'READY | (waits' },
  ],
  'a message comes back once too often': [
    { file: 'delivery-limit.ts', right: 'this.#ledger.deliveries(position) >= this.#limit', wrong: 'this.#ledger.deliveries(position) > this.#limit' },
  ],
  'a return is not counted': [{ file: machine, right: 'const deliveries = ledger.countDelivery(position);', wrong: 'const deliveries = ledger.deliveries(position);' }],
  'a crash does not count': [{ file: ledger, right: COUNTED, wrong: '' }],
  'a crash counts past the limit': [{ file: ledger, right: 'if (this.deliveries(position) < deliveriesMax) this', wrong: 'this' }],
  'a crash in the recovery counts again': [
    {
      file: ledger,
      right: `        ${COMES_BACK}${COUNTED}`,
      wrong: `${COUNTED}        ${COMES_BACK}`,
    },
  ],
  'what came back too often is rejected': [{ file: machine, right: "this.#die(position, 'delivery_limit')", wrong: "this.#die(position, 'rejected')" }],
  'a crash ends all waiting': [
    { file: 'delayed-retry.ts', right: '=== (READY | DELAYED_FLAG)) this', wrong: '=== 0) this' },
    { file: 'ledger-layout.ts', right: 'READY_MASK = STATE_MASK | DELAYED_FLAG', wrong: 'READY_MASK = STATE_MASK' },
  ],
  'what waits is forgotten in a crash': [
    { file: machine, right: '    this.#retry?.recover(this.#ledger);\n', wrong: '' },
  ],
  'what waits is ready': [{ file: machine, right: '    if (waits) this.#retry!.add(position, deliveries);\n    else this', wrong: '    if (waits) this.#retry!.add(position, deliveries);\n    this' }],
  'a delay does not grow': [{ file: 'delayed-retry.ts', right: 'minMs * Math.max(deliveries, 1)', wrong: 'minMs' }],
  'a delay grows for ever': [{ file: 'delayed-retry.ts', right: 'Math.min(minMs * Math.max(deliveries, 1), maxMs)', wrong: 'minMs * Math.max(deliveries, 1)' }],
  'the latest is ready first': [{ file: 'delayed-retry.ts', right: ': other > timeMs;', wrong: ': other < timeMs;' }],
  'it is ready a moment too late': [{ file: 'delayed-retry.ts', right: 'this.nextMs <= nowMs', wrong: 'this.nextMs < nowMs' }],
  'every return waits': [{ file: 'delayed-retry.ts', right: "type === 'all' || (type === 'returned') === (how === Settle.returned)", wrong: 'type !== undefined' }],
  'what is ready again is so in the ledger alone': [{ file: machine, right: 'this.#ledger.owner(position));\n      this.#comeBack(position);', wrong: 'this.#ledger.owner(position));' }],
  'a purge leaves what waits': [{ file: machine, right: 'const position of this.#retry?.takeAll() ?? []', wrong: 'const position of [] as number[]' }],
  'what waits counts in bytes after a crash': [{ file: 'ready-size.ts', right: '(ledger.state(position) & READY_MASK) === READY', wrong: '(ledger.state(position) & READY_MASK & 3) === READY' }],
  'an unseen message is marked': [
    { file: machine, right: 'READY | (state & FLAGS_MASK), 0', wrong: 'READY | REDELIVERED_FLAG, 0' },
  ],
  'the message of a surplus answer is not marked': [
    { file: machine, right: 'READY | REDELIVERED_FLAG | (state & FLAGS_MASK), 0', wrong: 'READY | (state & FLAGS_MASK), 0' },
  ],
  'anybody may settle': [{ file: machine, right: '    if (consumer.spec.connection !== connection) return;\n', wrong: '' }],
  'a settle of what is over counts': [
    { file: machine, right: '    if ((state & STATE_MASK) !== UNSETTLED) return;\n', wrong: '    if ((state & STATE_MASK) === GONE) return;\n' },
  ],
  'the limit of a consumer is passed by one': [
    { file: 'consumer.ts', right: 'this.limit - this.outstanding', wrong: 'this.limit + 1 - this.outstanding' },
  ],
  'the window is passed by one': [{ file: 'consumer.ts', right: 'WINDOW - this.onTheWay', wrong: 'WINDOW + 1 - this.onTheWay' }],
  'who is alone passes the limit of a dispatch': [{ file: machine, right: 'this.ready, consumer.room, budget)', wrong: 'this.ready, consumer.room)' }],
  'who is alone gets more than it can take': [{ file: machine, right: 'this.ready, consumer.room, budget)', wrong: 'this.ready, budget)' }],
  'a dispatch has no limit': [{ file: machine, right: 'let budget = DISPATCH_MAX;', wrong: 'let budget = Infinity;' }],
  'the same consumer takes until it is full': [
    { file: 'consumer.ts', right: 'if (consumer.next === undefined && consumer.able) return;', wrong: 'if (consumer.able) return;' },
  ],
  'a lower priority goes first': [{ file: 'consumers.ts', right: 'for (const line of this.#lines) if', wrong: 'for (const line of [...this.#lines].reverse()) if' }],
  'everybody is active': [
    { file: 'consumers.ts', right: '    if (this.#single && consumer !== this.#active) return;\n', wrong: '' },
  ],
  'another consumer is active after a crash': [
    { file: 'consumers.ts', right: '      if (chosen === undefined) return;\n', wrong: '      if (chosen === undefined) chosen = this.values().next().value;\n' },
  ],
  'a consumer that settles is forgotten': [
    { file: machine, right: '    else this.consumers.lineUp(consumer);\n', wrong: '' },
  ],
  'a channel that ends keeps what it holds': [
    { file: machine, right: 'position !== this.#order.cursor; position = ledger.after(position)) {\n      // What', wrong: 'position !== ledger.head; position = ledger.after(position)) {\n      // What' },
  ],
  'what has expired is delivered': [{ file: machine, right: '    if (!expiry.isOffered(position)) return false;\n', wrong: '    return false;\n' }],
  'what nobody was offered has expired': [
    { file: machine, right: '    if (!expiry.isOffered(position)) return false;\n', wrong: '' },
  ],
  'what came back is looked at as if it were new': [
    { file: 'expiry.ts', right: 'return ((position - this.offeredTo) | 0) < 0;', wrong: 'return position < this.offeredTo - 1;' },
  ],
  'a crash forgets that messages expire': [{ file: machine, right: '    if ((flags & EXPIRING_FLAG) !== 0) this.#beginExpiry();\n', wrong: '' }],
  'the larger of two times counts': [{ file: 'expiry.ts', right: 'Math.min(ownMs, this.#ttlMs)', wrong: '(this.#ttlMs === Infinity ? ownMs : this.#ttlMs)' }],
  'a delivery forgets that its message expires': [
    { file: 'ledger-layout.ts', right: ' | PAGED_FLAG | EXPIRING_FLAG', wrong: ' | PAGED_FLAG' },
  ],
  'what expires behind the head goes with it': [
    { file: machine, right: '      if (budget === 0 || !expiry.isOver(timeMs)) return timeMs;\n', wrong: '      if (budget === 0 || (!expiry.isOver(timeMs) && timeMs !== Infinity)) return timeMs;\n' },
  ],
  'what comes back has no bytes': [{ file: machine, right: '    this.#order.putBack(position);\n    this.#size?.add(position);\n', wrong: '    this.#order.putBack(position);\n' }],
  'what is dropped keeps its bytes': [
    { file: machine, right: '    this.#size?.subtract(position);\n    if (reason', wrong: '    if (reason' },
  ],
  'bytes are forgotten in a crash': [{ file: machine, right: '    this.#size?.recover();\n', wrong: '' }],
  'what is past the head is looked at': [{ file: machine, right: '!ledger.holds(position) || ', wrong: '' }],
};

/** Of mistakes that few histories show: a seed with which one of the first has, tried before others. */
const SHOWN: Readonly<Record<string, number>> = {
  'anybody may settle the head': 28,
  'recovery forgets the hole before the tail': 67,
  'recovery takes a hole for what was never delivered': 115,
  'positions are compared as plain numbers': 11,
  'a priority forgets in a crash that one that waits is older than others': 63,
  'a delay does not grow': 35,
  'a delay grows for ever': 35,
  'the latest is ready first': 24,
  'it is ready a moment too late': 20,
};
const SHOWN_RUNS = 40;

for (const [mistake, changes] of Object.entries(MISTAKES)) {
  queue(`find that ${mistake}`, async () => {
    const histories = queueHistories(await loadSmallQueue(changes));
    const seed = SHOWN[mistake];
    const isShown = seed !== undefined && fc.check(histories, { numRuns: SHOWN_RUNS, endOnFailure: true, seed }).failed;
    assert.ok(isShown || fc.check(histories, { numRuns: CONTROL_RUNS, endOnFailure: true }).failed, `${CONTROL_RUNS} histories passed`);
  });
}

queue.run();
