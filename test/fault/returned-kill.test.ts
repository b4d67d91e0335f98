/**
 * kill -9 while messages wait for another delivery: none is lost, and how often each came back is what it was at the last confirm of its
 * queue, because the store hears of returns before it hears of what was published after them.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LeveretBroker } from '../../tools/chaos/leveret-broker.ts';
import type { TestBroker } from '../support/broker.ts';
import type { RawChannel } from '../support/raw-channel.ts';
import { RawClient } from '../support/raw-client.ts';
import { type RawValue, table } from '../support/raw-table.ts';

const MESSAGES = 200;
const QUEUES: Readonly<Record<string, Readonly<Record<string, RawValue>>>> = {
  limited: { 'x-queue-type': ['S', 'quorum'], 'x-delivery-limit': ['I', 9] },
  delayed: { 'x-delayed-retry-type': ['S', 'all'], 'x-delayed-retry-min': ['I', 3_600_000] },
};

const killed = suite('returns and kill -9');

async function connect({ url }: LeveretBroker): Promise<{ readonly client: RawClient; readonly channel: RawChannel }> {
  const { hostname, port } = new URL(url!);
  const client = await RawClient.connect({ host: hostname, port: Number(port), user: 'guest', password: 'guest' } as TestBroker);
  return { client, channel: await client.openChannel() };
}

async function publish(channel: RawChannel, queue: string, body: string): Promise<void> {
  channel.publish({ routingKey: queue }, body, { deliveryMode: 2 });
  await channel.expect('basic.ack');
}

/** Everything in the queue: how often each message came back, by its body. */
async function countsIn(channel: RawChannel, queue: string, messages: number): Promise<ReadonlyMap<string, number>> {
  await channel.untilReady(queue, messages);
  const counts = new Map<string, number>();
  while (counts.size < messages) {
    const { text, properties } = await channel.get(queue);
    const { headers } = properties;
    counts.set(text, headers === undefined ? 0 : Number(headers.readBigInt64BE(headers.length - 8)));
  }
  return counts;
}

killed('nothing is lost, and the counts are those of the last confirm', async () => {
  const broker = await LeveretBroker.create(2);
  await broker.start();
  try {
    const before = await connect(broker);
    const { channel } = before;
    for (const [queue, args] of Object.entries(QUEUES)) await channel.call('queue.declare', { queue, durable: true, arguments: table(args) });
    await channel.call('confirm.select');
    for (const queue of Object.keys(QUEUES)) for (let each = 0; each < MESSAGES; each++) await publish(channel, queue, String(each));
    // Of the limited queue each half of the rest comes back once more; of the delayed one the first half, once.
    for (let held = MESSAGES; held >= 1; held = Math.floor(held / 2)) {
      for (let each = 0; each < held; each++) await channel.get('limited', false);
      channel.send('basic.nack', { deliveryTag: 0, multiple: true, requeue: true });
      await channel.untilReady('limited', MESSAGES);
    }
    for (let each = 0; each < MESSAGES / 2; each++) await channel.get('delayed', false);
    channel.send('basic.nack', { deliveryTag: 0, multiple: true, requeue: true });
    await channel.untilReady('delayed', MESSAGES / 2);
    for (const queue of Object.keys(QUEUES)) await publish(channel, queue, 'last');
    broker.signal('SIGKILL');
    await broker.ended();
    before.client.drop();
    await broker.start();
    const after = await connect(broker);
    const limited = await countsIn(after.channel, 'limited', MESSAGES + 1);
    const delayed = await countsIn(after.channel, 'delayed', MESSAGES + 1);
    for (let each = 0; each < MESSAGES; each++) {
      assert.is(limited.get(String(each)), Math.floor(Math.log2(MESSAGES / (each + 1))) + 1, `returns of message ${each}`);
      assert.is(delayed.get(String(each)), each < MESSAGES / 2 ? 1 : 0);
    }
    assert.equal([limited.get('last'), delayed.get('last')], [0, 0]);
    after.client.drop();
  } finally {
    await broker.close();
  }
});

killed.run();
