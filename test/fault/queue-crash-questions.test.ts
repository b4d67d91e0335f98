/**
 * Who asks a queue something is answered, however often it crashes: declares, gets, consumers that come and go, purges, deletes, and the last
 * cancel of an auto-delete queue, whose answer waits until the queue is gone.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { brokenCopy, startFaultNode } from '../support/fault-node.ts';
import { RawClient } from '../support/raw-client.ts';
import { runSeed } from '../support/seeded-random.ts';
import type { SourceChange } from '../support/source-change.ts';
import { until } from '../support/traffic.ts';

const QUEUES = 150;
const CRASHES_MIN = 100;
const CRASHES_MAX = 2_000;
/** What has not been answered by then never is, milliseconds in which this process ran. */
const ANSWER_MS = 6_000;
const CONTROL_ROUNDS = 8;

const questions = suite('questions to a queue that crashes');

/** Answers how many queues were asked everything, how many crashes there were, and what went wrong. */
async function ask(seed: number, root?: string): Promise<{ readonly asked: number; readonly crashes: number; readonly failure: string }> {
  const fault = await startFaultNode({ schedulers: 1, queueRestarts: { restarts: 100_000, periodMs: 1_000 } }, root);
  let asked = 0;
  try {
    const client = await RawClient.connect(fault.broker);
    const channel = await client.openChannel();
    fault.node.fault(1, { type: 'plan', plan: { group: 'queue', seed, everyLetters: 6, crashesMax: CRASHES_MAX } });
    const talk = async (): Promise<void> => {
      for (; asked < QUEUES; asked++) {
        const queue = `asked-${asked}`;
        await channel.call('queue.declare', { queue, autoDelete: true });
        await channel.call('queue.declare', { queue, passive: true });
        channel.send('basic.get', { queue });
        await channel.expect('basic.get-empty');
        await channel.call('queue.purge', { queue });
        if (asked % 3 === 0) await channel.call('queue.delete', { queue });
        else await channel.call('basic.cancel', await channel.call('basic.consume', { queue }));
      }
    };
    let isOver = false;
    const talking = talk().then(() => (isOver = true));
    const waiting = until(() => isOver, 'all is answered', () => asked + fault.crashes(), ANSWER_MS);
    const failure = await Promise.race([talking.then(() => waiting), waiting]).then(() => '', String);
    client.drop();
    await talking.catch(() => undefined);
    return { asked, crashes: fault.crashes(), failure };
  } finally {
    await fault.close();
  }
}

questions('are all answered', async () => {
  const seed = runSeed();
  const { asked, crashes, failure } = await ask(seed);
  process.stdout.write(`seed ${seed}: ${asked} queues, ${crashes} crashes\n`);
  assert.equal([asked, failure], [QUEUES, ''], `seed ${seed}`);
  assert.ok(crashes >= CRASHES_MIN);
  assert.ok(crashes < CRASHES_MAX, `what is asked again becomes more with each crash: ${crashes}`);
});

const MISTAKES: Readonly<Record<string, SourceChange>> = {
  'what a cancel waits for is forgotten in a crash': { file: 'actors/connection/overtaken.ts', right: "'purge', 'cancel']", wrong: "'purge']" },
  'a consumer comes behind the notice that all have come': {
    file: 'actors/connection/session.ts',
    right: "&& question.type === 'consume');",
    wrong: "&& question.type === 'fence');",
  },
};

for (const [mistake, change] of Object.entries(MISTAKES)) {
  questions(`is caught: ${mistake}`, async () => {
    const copy = brokenCopy(change);
    try {
      let found = '';
      for (let round = 0; found === '' && round < CONTROL_ROUNDS; round++) found = (await ask(runSeed() + round, copy.root)).failure;
      assert.is(found, `Error: nothing has moved for ${ANSWER_MS} ms while waiting until all is answered`);
    } finally {
      copy.remove();
    }
  });
}

questions.run();
