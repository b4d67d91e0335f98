import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { planFaults } from '../../../../tools/chaos/fault-plan.ts';

const plans = suite('fault plan');
const COUNTS = { crashes: 1000, kills: 50, storeLosses: 0, threads: 20, schedulers: 3, durationMs: 60_000 };

plans('the seed makes the plan, and another seed another one', () => {
  assert.equal(planFaults(42, COUNTS), planFaults(42, COUNTS));
  assert.not.equal(planFaults(42, COUNTS).kills, planFaults(43, COUNTS).kills);
  assert.not.equal(planFaults(42, COUNTS).crashes, planFaults(43, COUNTS).crashes);
});

plans('it has what was asked for: a fifth of the kills in recovery, a fifth in the close, never the first in recovery', () => {
  for (let seed = 0; seed < 200; seed++) {
    const { crashes, kills, threads } = planFaults(seed, COUNTS);
    assert.is(crashes.orders.reduce((sum, order) => sum + order.crashes, 0), 1000);
    assert.is(threads.orders.filter(({ kind }) => kind !== 'stall').length, 20);
    assert.is(threads.orders.filter(({ kind }) => kind === 'stall').length, 5);
    assert.equal([kills.length, ...['recovering', 'stopping', 'running'].map((kind) => kills.filter((kill) => kill.kind === kind).length)], [50, 10, 10, 30]);
    assert.is.not(kills[0]?.kind, 'recovering');
    for (const { afterMs } of kills) assert.ok(afterMs >= 50 && afterMs <= 3_000);
  }
});

plans('moments are in order and within the duration', () => {
  const { crashes, threads } = planFaults(9, COUNTS);
  for (const { orders, atMs } of [crashes, threads]) {
    assert.is(atMs.length, orders.length);
    assert.equal(atMs, atMs.toSorted((left, right) => left - right));
    assert.ok(atMs[0]! >= 0 && atMs.at(-1)! <= COUNTS.durationMs);
  }
});

plans('everybody is struck, the store and the topology too, and each on the thread where it lives', () => {
  const { orders } = planFaults(4, COUNTS).crashes;
  const counts = new Map<string, number>();
  for (const { group, thread, crashes } of orders) {
    counts.set(group, (counts.get(group) ?? 0) + crashes);
    if (group === 'topology-writer' || group === 'keeper') assert.is(thread, 0);
    else if (group === 'store-writer') assert.is(thread, 4);
    else assert.ok(thread >= 1 && thread <= 3);
  }
  for (const group of ['queue', 'connection', 'store-writer', 'topology-writer', 'replica', 'keeper']) assert.ok((counts.get(group) ?? 0) >= 5, group);
});

plans('losses of the store come among the kills, in both ways', () => {
  const { kills } = planFaults(7, { ...COUNTS, storeLosses: 20 });
  const losses = kills.filter(({ kind }) => kind === 'store');
  assert.equal([kills.length, losses.length], [70, 20]);
  assert.ok(losses.some(({ share }) => share < 0.5) && losses.some(({ share }) => share >= 0.5));
});

plans('nothing asked for, nothing planned; one crash of each is enough', () => {
  const none = planFaults(1, { ...COUNTS, crashes: 0, kills: 0, threads: 0 });
  assert.equal([none.crashes.orders, none.kills, none.threads.orders], [[], [], []]);
  const one = planFaults(1, { ...COUNTS, crashes: 1, kills: 1, threads: 1 });
  assert.equal([one.crashes.orders.length, one.kills.length, one.threads.orders.length], [1, 1, 1]);
});

plans.run();
