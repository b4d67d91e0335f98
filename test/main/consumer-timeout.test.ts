/** Deliveries that nobody settles (RabbitMQ's guide "Consumers", section "Delivery Acknowledgement Timeout"), on a node that looks often. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Broker, createBroker } from '../../src/main/index.ts';
import { type TestBroker } from '../support/broker.ts';
import { freshName } from '../support/fresh-name.ts';
import type { RawChannel } from '../support/raw-channel.ts';
import { RawClient } from '../support/raw-client.ts';
import { type RawValue, table } from '../support/raw-table.ts';
import { TOO_LATE, timely } from '../support/timely.ts';

const TIMEOUT_MS = 600;
const CHECK_MS = 25;

const timeout = suite('consumer timeout');
let broker: Broker | undefined;
const clients: RawClient[] = [];

async function connect(): Promise<RawClient> {
  broker ??= await createBroker({ port: 0, consumerTimeoutMs: TIMEOUT_MS, consumerTimeoutCheckMs: CHECK_MS });
  const { host, port } = broker;
  const client = await RawClient.connect({ host, port, user: 'guest', password: 'guest' } as TestBroker);
  clients.push(client);
  return client;
}

timeout.after.each(() => {
  for (const client of clients.splice(0)) client.drop();
});
timeout.after(async () => {
  await broker?.close();
});

/** A queue with messages a, b, c. */
async function lettered(channel: RawChannel, args: Readonly<Record<string, RawValue>> = {}): Promise<string> {
  const queue = await channel.queue(freshName('timeout'), { arguments: table(args) });
  for (const body of ['a', 'b', 'c']) channel.publish({ routingKey: queue }, body);
  await channel.untilReady(queue, 3);
  return queue;
}

/** The channel is closed for a delivery that left after `fromMs`, and not too early. */
async function expectTimeout(channel: RawChannel, timeoutMs: number, fromMs: number): Promise<void> {
  const refused = await channel.refused();
  assert.ok(performance.now() - fromMs >= timeoutMs, `after ${performance.now() - fromMs} ms`);
  assert.equal(refused, {
    code: 406,
    text:
      `PRECONDITION_FAILED - delivery acknowledgement on channel ${channel.number} timed out. Timeout value used: ${timeoutMs} ms. ` +
      'This timeout value can be configured, see consumers doc guide to learn more',
    method: '0.0',
  });
}

/**
 * Whether this is the channel's next method, which stays there. The close may be in its place only when the time of what left after `sinceMs`
 * can be over.
 */
async function isAnswered(channel: RawChannel, name: string, sinceMs: number): Promise<boolean> {
  const incoming = await channel.inbox.take(name);
  channel.inbox.putBack(incoming);
  if (incoming.name === name) return true;
  assert.is(incoming.name, 'channel.close');
  const afterMs = performance.now() - sinceMs;
  assert.ok(afterMs >= TIMEOUT_MS, `closed ${afterMs} ms after what it is about`);
  return false;
}

timeout('closes the channel of a consumer, and what it held comes back', async () => {
  const client = await connect();
  const { channel, queue, fromMs } = await timely(async (number) => {
    const consuming = await client.openChannel(2 + number);
    const name = await lettered(consuming);
    const sinceMs = performance.now();
    await consuming.consume(name);
    const deliveries = await consuming.deliveries(3);
    consuming.send('basic.ack', { deliveryTag: deliveries[0]!.fields.deliveryTag });
    consuming.send('basic.qos', {});
    if (!(await isAnswered(consuming, 'basic.qos-ok', sinceMs))) return TOO_LATE;
    await consuming.expect('basic.qos-ok');
    return { channel: consuming, queue: name, fromMs: sinceMs };
  });
  await expectTimeout(channel, TIMEOUT_MS, fromMs);
  const other = await client.openChannel();
  await other.untilReady(queue, 2);
  const { text, fields } = await other.get(queue);
  assert.is(text, 'b');
  assert.is(fields.redelivered, true);
});

timeout('closes the channel of a basic.get', async () => {
  const client = await connect();
  const channel = await client.openChannel();
  const queue = await lettered(channel);
  const fromMs = performance.now();
  await channel.get(queue, false);
  await expectTimeout(channel, TIMEOUT_MS, fromMs);
  await (await client.openChannel(2)).untilReady(queue, 3);
});

timeout('leaves those alone who settle in time or need not, however long they consume', async () => {
  const client = await connect();
  const silent = await client.openChannel();
  const own = await lettered(silent);
  await silent.consume(own, { noAck: true });
  await silent.deliveries(3);
  await timely(async (number) => {
    const channel = await client.openChannel(2 + number);
    const queue = await lettered(channel);
    await channel.call('basic.qos', { prefetchCount: 1 });
    let askedMs = performance.now();
    await channel.consume(queue);
    // One is always out, none for long.
    for (const until = performance.now() + 3 * TIMEOUT_MS; performance.now() < until; ) {
      channel.publish({ routingKey: queue }, 'more');
      if (!(await isAnswered(channel, 'basic.deliver', askedMs))) return TOO_LATE;
      const { deliveryTag } = await channel.expect('basic.deliver');
      // The next one leaves after this.
      askedMs = performance.now();
      channel.send('basic.ack', { deliveryTag });
      await silent.call('basic.qos', { prefetchCount: 1 });
    }
    return undefined;
  });
  assert.is(silent.inbox.length, 0);
});

timeout('is what the consumer says, be it shorter or longer', async () => {
  const client = await connect();
  const patient = await client.openChannel();
  const queue = await lettered(patient);
  await patient.consume(queue, { arguments: table({ 'x-consumer-timeout': ['I', 200 * TIMEOUT_MS] }) });
  await patient.deliveries(3);
  const hasty = await client.openChannel(2);
  const own = await lettered(hasty);
  const hastyMs = performance.now();
  await hasty.consume(own, { arguments: table({ 'x-consumer-timeout': ['l', 100n] }) });
  await hasty.deliveries(3);
  await expectTimeout(hasty, 100, hastyMs);
  const usual = await client.openChannel(3);
  const usualQueue = await lettered(usual);
  const usualMs = performance.now();
  await usual.get(usualQueue, false);
  await expectTimeout(usual, TIMEOUT_MS, usualMs);
  // By now the patient one has waited for longer than that.
  assert.is(patient.inbox.length, 0);
  patient.send('basic.ack', { deliveryTag: 0, multiple: true });
  await patient.call('basic.qos', { prefetchCount: 1 });
});

timeout('is what the queue says where the consumer does not', async () => {
  const client = await connect();
  const channel = await client.openChannel();
  const queue = await lettered(channel, { 'x-consumer-timeout': ['I', 100] });
  // The patient delivery is the older one.
  await channel.call('basic.qos', { prefetchCount: 1 });
  await channel.consume(queue, { arguments: table({ 'x-consumer-timeout': ['I', 200 * TIMEOUT_MS] }) });
  await channel.delivery();
  const fromMs = performance.now();
  await channel.get(queue, false);
  await expectTimeout(channel, 100, fromMs);
  await (await client.openChannel(2)).untilReady(queue, 3);
});

timeout.run();
