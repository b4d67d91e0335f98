/** The history of an exchange outlives crashes of its actor, and those of the actors of queues that are bound. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startFaultNode } from '../support/fault-node.ts';
import { DEADLINE_MS } from '../support/deadline.ts';
import type { RawChannel } from '../support/raw-channel.ts';
import { RawClient } from '../support/raw-client.ts';

const history = suite('recent history under crashes');

const ROUNDS = 40;
const BURST = 7;
const LENGTH = 20;

/** The next message. A queue that has just crashed says that it is empty until its connections have heard of it. */
async function next(channel: RawChannel, queue: string): Promise<string> {
  const givenUpAtMs = performance.now() + DEADLINE_MS;
  while (performance.now() < givenUpAtMs) {
    channel.send('basic.get', { queue, noAck: true });
    const answer = await channel.inbox.take('a message or none');
    if (answer.name !== 'basic.get-empty') return String(answer.body);
  }
  throw new Error(`${queue} stays empty`);
}

history('the last messages are there, in order, whenever a queue is bound', async () => {
  const fault = await startFaultNode({ schedulers: 2, queueRestarts: { restarts: 100_000, periodMs: 1_000 } });
  try {
    const client = await RawClient.connect(fault.broker);
    const channel = await client.openChannel();
    await channel.call('exchange.declare', { exchange: 'news', type: 'x-recent-history' });
    await channel.call('confirm.select');
    // Nobody gets while actors crash: the test is of what is remembered and replayed.
    const crashing = (round: number | undefined): void => {
      for (const thread of [1, 2]) {
        const plan = round === undefined ? undefined : ({ group: 'queue', seed: 7 + 2 * round + thread, everyLetters: 4, crashesMax: 1_000_000 } as const);
        fault.node.fault(thread, { type: 'plan', plan });
      }
    };
    const published: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      crashing(round);
      for (let each = 0; each < BURST; each++) {
        published.push(`m${published.length}`);
        channel.publish({ exchange: 'news', routingKey: '' }, published.at(-1)!);
      }
      for (let confirmed = 0; confirmed < published.length; ) {
        const answer = await channel.expect('basic.ack');
        confirmed = Number(answer.deliveryTag);
      }
      const queue = `late-${round}`;
      const other = await client.openChannel(2 + round);
      await other.call('queue.declare', { queue, exclusive: true });
      await other.call('queue.bind', { queue, exchange: 'news' });
      crashing(undefined);
      const got: string[] = [];
      const expected = published.slice(-LENGTH);
      while (got.length < expected.length) {
        const body = await next(other, queue);
        // The last crash may come after the order to stop, and then what was just got comes again.
        if (body !== got.at(-1)) got.push(body);
      }
      assert.equal(got, expected, `round ${round}`);
      await other.call('queue.delete', { queue });
    }
    assert.ok(fault.crashes() > 10, `${fault.crashes()} crashes`);
    assert.equal(fault.surprises, []);
    client.drop();
  } finally {
    await fault.close();
  }
});

history.run();
