import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FaultDrivers } from '../../../../tools/chaos/fault-drivers.ts';
import type { CrashOrder, FaultPlan } from '../../../../tools/chaos/fault-plan.ts';
import type { FaultyBroker } from '../../../../tools/chaos/managed-broker.ts';

/** Of a plan for two crashes only the first comes about, as when the thread is lost then or has no letters left. */
class ReluctantBroker implements FaultyBroker {
  readonly name = 'reluctant';
  readonly url = 'amqp://127.0.0.1';
  readonly starts = 1;
  readonly deaths = 0;
  readonly problems: string[] = [];
  readonly schedulers = 2;
  readonly crashesByGroup = new Map<string, number>();
  readonly threadsLost = 0;
  readonly asked: number[] = [];
  crashes = 0;

  order(_thread: number, fault: { readonly plan?: { readonly crashesMax: number } }): Promise<boolean> {
    if (fault.plan !== undefined) {
      this.asked.push(fault.plan.crashesMax);
      this.crashes++;
    }
    return Promise.resolve(true);
  }

  start(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  signal(): void {}

  ended(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  loseStore(): Promise<void> {
    return Promise.resolve();
  }

  stir(): Promise<void> {
    return Promise.resolve();
  }
}

const order: CrashOrder = { kind: 'crash', group: 'queue', thread: 1, seed: 1, everyLetters: 1, crashes: 2 };
const plan: Pick<FaultPlan, 'crashes' | 'threads'> = { crashes: { orders: [order], atMs: [0] }, threads: { orders: [], atMs: [] } };

const drivers = suite('fault drivers');

drivers('the second of two crashes that did not come about is ordered again', async () => {
  const broker = new ReluctantBroker();
  const hurting = new FaultDrivers({ aborted: () => false, starts: () => {}, serves: () => true });
  await hurting.hurt(broker, plan);
  assert.equal(broker.asked, [2, 1]);
  assert.is(hurting.tally.crashOrders, 1);
  assert.is(hurting.tally.skipped, 0);
});

drivers.run();
