/** How long a publisher waits for a backlog: while consumers make use of it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PublishThrottle, Purse } from '../../../../actors/connection/publish-throttle.ts';
import { CONSUMER_COUNT, DELIVERED, READY_COUNT, SLOT_WORDS, STORE_BEHIND } from '../../../../src/broker/queue/ledger-layout.ts';

const SLOT = 2;
const AT = SLOT * SLOT_WORDS;

class World {
  readonly slots = new Int32Array(4 * SLOT_WORDS);
  readonly purse = new Purse();
  readonly throttle = new PublishThrottle(this.slots, this.purse);
  nowMs = 0;

  constructor(ready: number, consumers: number) {
    this.slots[AT + READY_COUNT] = ready;
    this.slots[AT + CONSUMER_COUNT] = consumers;
  }

  /** Publishes and pays; how long the pause is, ms. */
  pauseAfter(messages: number, throttle = this.throttle): number {
    throttle.published(SLOT, messages);
    return Math.max(0, throttle.pay(() => this.nowMs) - this.nowMs);
  }

  /** So much later consumers have taken so many. Whether the pause is in vain. */
  isVainAfter(ms: number, taken: number): boolean {
    this.nowMs += ms;
    this.slots[AT + DELIVERED] = (this.slots[AT + DELIVERED]! + taken) | 0;
    return this.throttle.isVain(this.nowMs);
  }
}

const test = suite('publish throttle');

test('nobody waits without consumers, or without a backlog', () => {
  assert.is(new World(1_000_000, 0).pauseAfter(100_000), 0);
  assert.is(new World(1_023, 1).pauseAfter(100_000), 0);
});

test('the deeper the backlog, the longer: 1 to 16 us a message, from 200 messages on, and 50 ms at most', () => {
  const world = new World(1_024, 1);
  assert.is(world.pauseAfter(199), 0);
  assert.is(world.pauseAfter(1), 0.2);
  const pauses = [1_024, 4_096, 16_384, 1_000_000].map((ready) => new World(ready, 1).pauseAfter(1_000));
  assert.equal(pauses, [1, 4, 16, 16]);
  assert.is(new World(16_384, 1).pauseAfter(100_000), 50);
});

test('publishers of a thread take their turns', () => {
  const world = new World(20_480, 1);
  assert.is(world.pauseAfter(1_000), 16);
  assert.is(world.pauseAfter(1_000, new PublishThrottle(world.slots, world.purse)), 32);
});

test('the pause is over with the backlog', () => {
  const world = new World(20_480, 1);
  world.pauseAfter(1_000);
  assert.not(world.throttle.relieved);
  world.slots[AT + READY_COUNT] = 256;
  assert.ok(world.throttle.relieved);
});

test('it goes on while consumers make use of it, and ends when they do not, and costs nobody else then', () => {
  const world = new World(20_480, 1);
  // The counter wraps.
  world.slots[AT + DELIVERED] = 2 ** 31 - 10;
  world.pauseAfter(3_000);
  assert.not(world.isVainAfter(3.9, 0), 'they are watched for 4 ms');
  assert.not(world.isVainAfter(0.1, 16));
  assert.not(world.isVainAfter(5, 20));
  assert.ok(world.isVainAfter(4, 15));
  assert.is(world.pauseAfter(1_000, new PublishThrottle(world.slots, world.purse)), 16);
});

test('for consumers that are slow by themselves nobody waits longer, until they are quick again', () => {
  const world = new World(20_480, 1);
  world.pauseAfter(1_000);
  assert.ok(world.isVainAfter(4, 0));
  assert.is(world.pauseAfter(1_000), 1, 'a microsecond a message');
  assert.not(world.isVainAfter(1, 0), 'that much is not too long');
  world.isVainAfter(4, 20);
  world.pauseAfter(1_000);
  assert.is(world.pauseAfter(1_000), 17, 'they took 20 in 5 ms');
});

test('consumers of another queue are watched anew', () => {
  const world = new World(20_480, 1);
  world.pauseAfter(1_000);
  world.throttle.published(SLOT + 1, 1);
  world.slots[AT + SLOT_WORDS + READY_COUNT] = 20_480;
  world.slots[AT + SLOT_WORDS + CONSUMER_COUNT] = 1;
  world.throttle.published(SLOT + 1, 1_000);
  assert.not(world.isVainAfter(10, 0), 'since when, nobody knows');
  assert.ok(world.isVainAfter(4, 0));
});

test('who is ahead of the store waits for it, with consumers or without, but a second at most', () => {
  for (const [ready, consumers] of [[0, 0], [20_480, 1]] as const) {
    const world = new World(ready, consumers);
    world.slots[AT + STORE_BEHIND] = 1;
    assert.is(world.pauseAfter(1), 1_000);
    assert.not(world.throttle.relieved);
    assert.not(world.isVainAfter(900, 0), 'it is not the consumers that it waits for');
    world.slots[AT + STORE_BEHIND] = 0;
    assert.ok(world.throttle.relieved);
  }
});

test('who does not publish to that queue any more does not wait for its store', () => {
  const world = new World(0, 0);
  world.slots[AT + STORE_BEHIND] = 1;
  world.throttle.published(SLOT, 1);
  world.throttle.published(SLOT + 1, 1);
  assert.is(world.throttle.pay(() => 0), 1_000, 'it did');
  world.throttle.published(SLOT + 1, 1);
  assert.is(world.throttle.pay(() => 0), 0);
});

test.run();
