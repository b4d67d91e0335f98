import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { planFaults } from '../../../../tools/chaos/fault-plan.ts';

const plans = suite('fault plan');
const COUNTS = { crashes: 1000, kills: 50, threads: 20, schedulers: 3, durationMs: 60_000 };

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

plans('groups whose supervisors bear little are struck at most every 25 s, and on the right thread', () => {
  const { orders } = planFaults(4, COUNTS).crashes;
  const rare = orders.filter(({ group }) => group !== 'queue' && group !== 'connection');
  assert.ok(rare.length >= 2 && rare.length <= 3, `${rare.length} of them`);
  for (const { group, thread } of orders) {
    if (group === 'topology-writer' || group === 'keeper') assert.is(thread, 0);
    else assert.ok(thread >= 1 && thread <= 3);
  }
});

plans('nothing asked for, nothing planned; one crash of each is enough', () => {
  const none = planFaults(1, { ...COUNTS, crashes: 0, kills: 0, threads: 0 });
  assert.equal([none.crashes.orders, none.kills, none.threads.orders], [[], [], []]);
  const one = planFaults(1, { ...COUNTS, crashes: 1, kills: 1, threads: 1 });
  assert.equal([one.crashes.orders.length, one.kills.length, one.threads.orders.length], [1, 1, 1]);
});

plans.run();
