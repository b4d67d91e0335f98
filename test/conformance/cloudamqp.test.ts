/** The six patterns of RabbitMQ's tutorials, confirms, returns and errors, through @cloudamqp/amqp-client. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AMQPClient } from '@cloudamqp/amqp-client';
import type { AMQPChannel, AMQPMessage } from '@cloudamqp/amqp-client';
import { testBroker } from '../support/broker.ts';
import type { TestBroker } from '../support/broker.ts';
import { withinDeadline } from '../support/deadline.ts';
import { freshName } from '../support/fresh-name.ts';
import { Inbox } from '../support/inbox.ts';

const patterns = suite('cloudamqp');
let broker: TestBroker | undefined;
let client: AMQPClient;
let channel: AMQPChannel;

async function connected(): Promise<AMQPClient> {
  if (broker === undefined) throw new Error('there is no broker');
  const fresh = new AMQPClient(broker.url, undefined, null);
  fresh.onerror = () => undefined;
  await withinDeadline(fresh.connect(), 'the connection');
  return fresh;
}

patterns.before.each(async () => {
  broker ??= await testBroker();
  client = await connected();
  channel = await client.channel();
});
patterns.after.each(() => client.close());
patterns.after(async () => {
  await broker?.close();
});

async function ownQueue(word: string, queueArguments: Record<string, unknown> = {}): Promise<string> {
  return (await channel.queueDeclare(word === '' ? '' : freshName(word), { exclusive: true, durable: false }, queueArguments)).name;
}

async function consumed(on: AMQPChannel, queue: string, noAck = true): Promise<Inbox<AMQPMessage>> {
  const inbox = new Inbox<AMQPMessage>();
  await on.basicConsume(queue, { noAck }, (message) => inbox.put(message));
  return inbox;
}

patterns('hello', async () => {
  const queue = await ownQueue('hello');
  const inbox = await consumed(channel, queue);
  await channel.basicPublish('', queue, 'Hello World!');
  assert.is((await inbox.take('the greeting')).bodyString(), 'Hello World!');
});

patterns('work queue with fair dispatch', async () => {
  const queue = await ownQueue('work');
  const [slow, fast] = [await client.channel(), await client.channel()];
  await slow.prefetch(1);
  await fast.prefetch(1);
  const slowInbox = await consumed(slow, queue, false);
  const fastInbox = await consumed(fast, queue, false);
  for (let task = 0; task < 6; task += 1) await channel.basicPublish('', queue, `task ${task}`, { deliveryMode: 2 });
  const stuck = await slowInbox.take('a task');
  const done: (string | null)[] = [];
  while (done.length < 5) {
    const message = await fastInbox.take('a task');
    done.push(message.bodyString());
    await message.ack();
  }
  assert.equal([...done, stuck.bodyString()].sort(), Array.from({ length: 6 }, (_, task) => `task ${task}`));
  assert.is(slowInbox.length, 0);
});

patterns('publish and subscribe', async () => {
  const exchange = freshName('logs');
  await channel.exchangeDeclare(exchange, 'fanout', { durable: false, autoDelete: true });
  const inboxes = [];
  for (let subscriber = 0; subscriber < 2; subscriber += 1) {
    const queue = await ownQueue('');
    await channel.queueBind(queue, exchange, '');
    inboxes.push(await consumed(channel, queue));
  }
  await channel.basicPublish(exchange, '', 'news');
  for (const inbox of inboxes) assert.is((await inbox.take('the news')).bodyString(), 'news');
});

async function received(type: string, keys: readonly string[], sent: readonly string[], count: number): Promise<string[]> {
  const exchange = freshName(type);
  await channel.exchangeDeclare(exchange, type, { durable: false, autoDelete: true });
  const queue = await ownQueue('');
  for (const key of keys) await channel.queueBind(queue, exchange, key);
  const inbox = await consumed(channel, queue);
  for (const key of sent) await channel.basicPublish(exchange, key, key);
  return (await inbox.takeMany(count, 'messages')).map((message) => message.routingKey);
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
  const server = await client.channel();
  const queue = await ownQueue('rpc');
  await server.prefetch(1);
  await server.basicConsume(queue, { noAck: false }, async (request) => {
    const { replyTo = '', correlationId = '' } = request.properties;
    await server.basicPublish('', replyTo, String(Number(request.bodyString()) ** 2), { correlationId });
    await request.ack();
  });
  const replyTo = await ownQueue('');
  const replies = await consumed(channel, replyTo);
  for (const number of ['3', '4']) await channel.basicPublish('', queue, number, { replyTo, correlationId: `id-${number}` });
  const answers = await replies.takeMany(2, 'replies');
  assert.equal(answers.map((answer) => [answer.properties.correlationId, answer.bodyString()]), [['id-3', '9'], ['id-4', '16']]);
});

patterns('confirms', async () => {
  const queue = await ownQueue('confirm');
  await channel.confirmSelect();
  const sends = Array.from({ length: 100 }, (_, n) => channel.basicPublish('', queue, String(n), { deliveryMode: 2 }));
  const tags = await withinDeadline(Promise.all(sends), 'the confirms');
  assert.equal(tags, Array.from({ length: 100 }, (_, place) => place + 1));
  assert.is((await channel.queuePurge(queue)).messageCount, 100);
});

patterns('a nack of a full queue', async () => {
  const queue = await ownQueue('full', { 'x-max-length': 1, 'x-overflow': 'reject-publish' });
  await channel.confirmSelect();
  await channel.basicPublish('', queue, 'fits');
  assert.match(await failed(channel.basicPublish('', queue, 'does not')), /reject/i);
});

patterns('mandatory returns', async () => {
  const events = new Inbox<string>();
  channel.onReturn = (message) => events.put(`${message.replyCode} ${message.replyText} ${message.bodyString()}`);
  await channel.confirmSelect();
  await channel.basicPublish('amq.direct', freshName('nowhere'), 'come back', {}, true);
  events.put('ack');
  assert.equal(await events.takeMany(2, 'the return and the ack'), ['312 NO_ROUTE come back', 'ack']);
});

/** The text of the failure; the library puts its own words around what the broker said. */
async function failed(attempt: Promise<unknown>): Promise<string> {
  return withinDeadline(attempt.then(() => 'nothing failed', (reason: Error) => reason.message), 'the failure');
}

patterns('not found', async () => {
  const queue = freshName('missing');
  const text = await failed(channel.queueDeclare(queue, { passive: true }));
  assert.match(text, `NOT_FOUND - no queue '${queue}' in vhost '/'`);
  assert.match(text, '404');
});

patterns('resource locked', async () => {
  const queue = await ownQueue('locked');
  const other = await connected();
  const text = await failed((await other.channel()).queueDeclare(queue, { passive: true }));
  await other.close();
  assert.match(text, '405');
  assert.match(
    text,
    `RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '${queue}' in vhost '/'. It could be originally declared ` +
      'on another connection or the exclusive property value does not match that of the original declaration.',
  );
});

patterns('precondition failed', async () => {
  const queue = await ownQueue('inequivalent');
  const text = await failed(channel.queueDeclare(queue, { exclusive: true, durable: false, autoDelete: true }));
  assert.match(text, '406');
  assert.match(
    text,
    `PRECONDITION_FAILED - inequivalent arg 'auto_delete' for queue '${queue}' in vhost '/': received 'true' but current is 'false'`,
  );
});

patterns('access refused', async () => {
  const text = await failed(channel.queueDeclare('amq.nobody'));
  assert.match(text, '403');
  assert.match(text, "ACCESS_REFUSED - queue name 'amq.nobody' contains reserved prefix 'amq.*'");
});

patterns.run();
