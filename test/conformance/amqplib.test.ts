/** The six patterns of RabbitMQ's tutorials, confirms, returns and errors, through amqplib. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Message } from 'amqplib';
import { AmqplibPeer, consumed } from '../support/amqplib-peer.ts';
import type { BrokerError } from '../support/amqplib-peer.ts';
import { testBroker } from '../support/broker.ts';
import type { TestBroker } from '../support/broker.ts';
import { freshName } from '../support/fresh-name.ts';
import { Inbox } from '../support/inbox.ts';

const patterns = suite('amqplib');
let broker: TestBroker | undefined;
let peer: AmqplibPeer;

patterns.before.each(async () => {
  broker ??= await testBroker();
  peer = await AmqplibPeer.connect(broker);
});
patterns.after.each(() => peer.close());
patterns.after(async () => {
  await broker?.close();
});

const OWN = { exclusive: true };

patterns('hello', async () => {
  const channel = await peer.channel();
  const { queue } = await channel.assertQueue(freshName('hello'), OWN);
  const inbox = await consumed(channel, queue);
  channel.sendToQueue(queue, Buffer.from('Hello World!'));
  assert.is((await inbox.take('the greeting')).content.toString(), 'Hello World!');
});

patterns('work queue with fair dispatch', async () => {
  const { queue } = await (await peer.channel()).assertQueue(freshName('work'), OWN);
  const [slow, fast] = [await peer.channel(), await peer.channel()];
  await slow.prefetch(1);
  await fast.prefetch(1);
  const slowInbox = await consumed(slow, queue, false);
  const fastInbox = await consumed(fast, queue, false);
  for (let task = 0; task < 6; task += 1) slow.sendToQueue(queue, Buffer.from(`task ${task}`), { persistent: true });
  const stuck = await slowInbox.take('a task');
  const done: string[] = [];
  while (done.length < 5) {
    const message = await fastInbox.take('a task');
    done.push(message.content.toString());
    fast.ack(message);
  }
  assert.equal([...done, stuck.content.toString()].sort(), Array.from({ length: 6 }, (_, task) => `task ${task}`));
  assert.is(slowInbox.length, 0);
});

patterns('publish and subscribe', async () => {
  const channel = await peer.channel();
  const exchange = freshName('logs');
  await channel.assertExchange(exchange, 'fanout', { durable: false, autoDelete: true });
  const inboxes = [];
  for (let subscriber = 0; subscriber < 2; subscriber += 1) {
    const { queue } = await channel.assertQueue('', OWN);
    await channel.bindQueue(queue, exchange, '');
    inboxes.push(await consumed(channel, queue));
  }
  channel.publish(exchange, '', Buffer.from('news'));
  for (const inbox of inboxes) assert.is((await inbox.take('the news')).content.toString(), 'news');
});

async function received(type: string, keys: readonly string[], sent: readonly string[], count: number): Promise<string[]> {
  const channel = await peer.channel();
  const exchange = freshName(type);
  await channel.assertExchange(exchange, type, { durable: false, autoDelete: true });
  const { queue } = await channel.assertQueue('', OWN);
  for (const key of keys) await channel.bindQueue(queue, exchange, key);
  const inbox = await consumed(channel, queue);
  for (const key of sent) channel.publish(exchange, key, Buffer.from(key));
  return (await inbox.takeMany(count, 'messages')).map((message) => message.fields.routingKey);
}

patterns('routing', async () => {
  const keys = await received('direct', ['warning', 'error'], ['info', 'warning', 'error', 'info', 'error'], 3);
  assert.equal(keys, ['warning', 'error', 'error']);
});

patterns('topics', async () => {
  const sent = ['quick.orange.rabbit', 'lazy.orange.elephant', 'quick.orange.fox', 'lazy.brown.fox', 'quick.brown.fox', 'lazy'];
  const keys = await received('topic', ['*.*.rabbit', 'lazy.#'], sent, 4);
  assert.equal(keys, ['quick.orange.rabbit', 'lazy.orange.elephant', 'lazy.brown.fox', 'lazy']);
});

patterns('remote procedure call', async () => {
  const [server, client] = [await peer.channel(), await peer.channel()];
  const { queue } = await server.assertQueue(freshName('rpc'), OWN);
  await server.prefetch(1);
  await server.consume(queue, (request) => {
    if (request === null) return;
    const { replyTo = '', correlationId = '' } = request.properties as { replyTo?: string; correlationId?: string };
    server.sendToQueue(replyTo, Buffer.from(String(Number(request.content) ** 2)), { correlationId });
    server.ack(request);
  });
  const { queue: replyTo } = await client.assertQueue('', OWN);
  const replies = await consumed(client, replyTo);
  for (const number of [3, 4]) client.sendToQueue(queue, Buffer.from(String(number)), { replyTo, correlationId: `id-${number}` });
  const answers = await replies.takeMany(2, 'replies');
  assert.equal(answers.map((answer) => [answer.properties.correlationId, answer.content.toString()]), [['id-3', '9'], ['id-4', '16']]);
});

patterns('confirms', async () => {
  const channel = await peer.confirmChannel();
  const { queue } = await channel.assertQueue(freshName('confirm'), OWN);
  for (let number = 0; number < 100; number += 1) channel.sendToQueue(queue, Buffer.from(String(number)), { persistent: true });
  await channel.waitForConfirms();
  assert.is((await channel.purgeQueue(queue)).messageCount, 100);
});

patterns('a nack of a full queue', async () => {
  const channel = await peer.confirmChannel();
  const limits = { 'x-max-length': 1, 'x-overflow': 'reject-publish' };
  const { queue } = await channel.assertQueue(freshName('full'), { ...OWN, arguments: limits });
  const outcomes = new Inbox<string>();
  for (const body of ['fits', 'does not']) {
    channel.sendToQueue(queue, Buffer.from(body), {}, (refusal: unknown) => outcomes.put(refusal === null ? 'ack' : 'nack'));
  }
  assert.equal((await outcomes.takeMany(2, 'outcomes')).sort(), ['ack', 'nack']);
});

patterns('mandatory returns', async () => {
  const channel = await peer.confirmChannel();
  const events = new Inbox<string>();
  channel.on('return', (message: Message) => {
    const { replyCode, replyText } = message.fields as unknown as { replyCode: number; replyText: string };
    events.put(`${replyCode} ${replyText} ${message.content.toString()}`);
  });
  channel.publish('amq.direct', freshName('nowhere'), Buffer.from('come back'), { mandatory: true }, () => events.put('ack'));
  assert.equal(await events.takeMany(2, 'the return and the ack'), ['312 NO_ROUTE come back', 'ack']);
});

patterns('not found', async () => {
  const queue = freshName('missing');
  await (await peer.channel()).checkQueue(queue).catch(() => undefined);
  const error: BrokerError = await peer.errors.take('the error');
  assert.is(error.code, 404);
  assert.match(error.message, `"NOT_FOUND - no queue '${queue}' in vhost '/'"`);
});

patterns('resource locked', async () => {
  const { queue } = await (await peer.channel()).assertQueue(freshName('locked'), OWN);
  if (broker === undefined) throw new Error('there is no broker');
  const other = await AmqplibPeer.connect(broker);
  await (await other.channel()).checkQueue(queue).catch(() => undefined);
  const error = await other.errors.take('the error');
  await other.close();
  assert.is(error.code, 405);
  assert.match(
    error.message,
    `"RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '${queue}' in vhost '/'. It could be originally declared ` +
      'on another connection or the exclusive property value does not match that of the original declaration."',
  );
});

patterns('precondition failed', async () => {
  const { queue } = await (await peer.channel()).assertQueue(freshName('inequivalent'), OWN);
  const channel = await peer.channel();
  await channel.assertQueue(queue, { ...OWN, autoDelete: true }).catch(() => undefined);
  const error = await peer.errors.take('the error');
  assert.is(error.code, 406);
  assert.match(
    error.message,
    `"PRECONDITION_FAILED - inequivalent arg 'auto_delete' for queue '${queue}' in vhost '/': received 'true' but current is 'false'"`,
  );
});

patterns('access refused', async () => {
  await (await peer.channel()).assertQueue('amq.nobody').catch(() => undefined);
  const error = await peer.errors.take('the error');
  assert.is(error.code, 403);
  assert.match(error.message, `"ACCESS_REFUSED - queue name 'amq.nobody' contains reserved prefix 'amq.*'"`);
});

patterns.run();
