/**
 * Connection actors crash at random events and letters: that connection closes and no other, what it had not settled comes
 * back, its exclusive queues go, and nothing that was confirmed is lost.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startFaultNode } from '../support/fault-node.ts';
import { LedgerOfMessages } from '../support/ledger-of-messages.ts';
import { RawClient } from '../support/raw-client.ts';
import { SeededRandom, runSeed } from '../support/seeded-random.ts';
import { Consumption, Publishing, until } from '../support/traffic.ts';

const CRASHES = 200;
const QUEUES = ['crowded-0', 'crowded-1', 'crowded-2'];
const PUBLISHERS = 3;
const CONSUMERS = 4;

const crashing = suite('crashing connections');

for (const schedulers of [1, 2]) {
  crashing(`${schedulers} scheduler thread(s): ${CRASHES} crashes close as many connections and lose nothing`, async () => {
    const seed = runSeed();
    const random = new SeededRandom(seed);
    const fault = await startFaultNode({ schedulers });
    const ledger = new LedgerOfMessages();
    try {
      const first = await RawClient.connect(fault.broker);
      const channel = await first.openChannel();
      for (const queue of QUEUES) await channel.call('queue.declare', { queue });
      await first.close();
      const publishings: Publishing[] = [];
      const consumptions: Consumption[] = [];
      const runs: Promise<void>[] = [];
      let failed = 0;
      const open = async <T extends { run(): Promise<void> }>(all: T[], connect: () => Promise<T>): Promise<void> => {
        try {
          const opened = await connect();
          all.push(opened);
          runs.push(opened.run());
        } catch {
          // It crashed before it was open.
          failed++;
        }
      };
      const publish = (): Promise<void> =>
        open(publishings, () =>
          Publishing.open(fault.broker, ledger, { publisher: publishings.length + failed + 1, queues: QUEUES, random, window: 200, bodySizeMax: 500 }),
        );
      const consume = (): Promise<void> =>
        open(consumptions, () => {
          const name = `reader ${consumptions.length + failed}`;
          const queue = QUEUES[random.below(QUEUES.length)]!;
          return Consumption.open(fault.broker, ledger, { name, queue, random, noAck: false, prefetch: 30, nackOneIn: 0, whole: false });
        });
      const alive = (all: readonly { readonly ended: boolean }[]): number => all.filter(({ ended }) => !ended).length;
      const refill = async (): Promise<void> => {
        while (alive(publishings) < PUBLISHERS) await publish();
        while (alive(consumptions) < CONSUMERS) await consume();
      };
      await refill();
      for (let thread = 1; thread <= schedulers; thread++) {
        const plan = { group: 'connection', seed: seed + thread, everyLetters: 60, crashesMax: CRASHES } as const;
        fault.node.fault(thread, { type: 'plan', plan });
      }
      while (fault.crashes() < CRASHES) {
        const before = fault.crashes();
        await refill();
        // A client learns of its end in its own time.
        const thinned = (): boolean => alive(publishings) < PUBLISHERS || alive(consumptions) < CONSUMERS;
        await until(() => fault.crashes() > before || thinned(), 'the next connection crashes', () => ledger.attempted + fault.crashes());
      }
      for (let thread = 1; thread <= schedulers; thread++) fault.node.fault(thread, { type: 'plan', plan: undefined });
      // A crash may have happened before its client saw it; after that nobody is closed any more.
      const ended = (): number => publishings.length + consumptions.length - alive(publishings) - alive(consumptions) + failed;
      await until(() => ended() >= fault.crashes(), 'every crash has closed its connection', ended, 5_000);
      assert.is(ended(), fault.crashes(), `seed ${seed}: connections that ended, and crashes`);
      for (const each of publishings) each.stop();
      for (const queue of QUEUES) {
        await open(consumptions, () => Consumption.open(fault.broker, ledger, { name: `last of ${queue}`, queue, random, noAck: false, prefetch: 50, nackOneIn: 0, whole: false }));
      }
      const unanswered = (): number => publishings.filter((each) => !each.ended).reduce((sum, each) => sum + each.unanswered, 0);
      await until(() => unanswered() === 0, 'publishes of living connections are answered', unanswered, 5_000);
      await until(() => ledger.outstanding === 0, 'every confirmed message is acknowledged', () => ledger.outstanding, 5_000);
      const text = `seed ${seed}, ${fault.crashes()} crashes: ${JSON.stringify(ledger.verdict())}`;
      process.stdout.write(`${text}\n`);
      const verdict = ledger.verdict();
      for (const counter of ['lost', 'unexpected', 'duplicated', 'disordered'] as const) assert.is(verdict[counter], 0, `${counter}: ${text}`);
      assert.equal(fault.surprises, [], text);
      for (const each of [...publishings, ...consumptions]) each.client.drop();
      await Promise.all(runs);
    } finally {
      await fault.close();
    }
  });
}

crashing('the exclusive queue of a connection that crashed goes, and its name is free', async () => {
  const fault = await startFaultNode({ schedulers: 1 });
  try {
    const owner = await RawClient.connect(fault.broker);
    const owned = await owner.openChannel();
    await owned.queue('mine');
    const neighbour = await RawClient.connect(fault.broker);
    const near = await neighbour.openChannel();
    fault.node.fault(1, { type: 'plan', plan: { group: 'connection', seed: 1, everyLetters: 1, crashesMax: 1 } });
    // A heartbeat frame is an event of this connection alone.
    const beat = Buffer.from([8, 0, 0, 0, 0, 0, 0, 0xce]);
    while (fault.crashes() === 0) {
      owner.write(beat);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await owner.ended();
    fault.node.fault(1, { type: 'plan', plan: undefined });
    let code = 405;
    for (let number = 2; code === 405; number++) {
      const asking = await neighbour.openChannel(number);
      asking.send('queue.declare', { queue: 'mine', passive: true });
      code = (await asking.refused()).code;
    }
    assert.is(code, 404);
    assert.is((await near.call('queue.declare', { queue: 'mine' })).queue, 'mine');
    await neighbour.close();
  } finally {
    await fault.close();
  }
});

crashing.run();
