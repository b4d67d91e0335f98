/** The six patterns of RabbitMQ's tutorials, confirms, returns and errors, through rabbitmq-client. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Connection } from 'rabbitmq-client';
import type { AsyncMessage, Channel, ReturnedMessage } from 'rabbitmq-client';
import { testBroker } from '../support/broker.ts';
import type { TestBroker } from '../support/broker.ts';
import { withinDeadline } from '../support/deadline.ts';
import { freshName } from '../support/fresh-name.ts';
import { Inbox } from '../support/inbox.ts';

const patterns = suite('rabbitmq-client');
let broker: TestBroker | undefined;
let connection: Connection;
let channel: Channel;

function connected(): Connection {
  if (broker === undefined) throw new Error('there is no broker');
  const fresh = new Connection(broker.url);
  fresh.on('error', () => undefined);
  return fresh;
}

patterns.before.each(async () => {
  broker ??= await testBroker();
  connection = connected();
  channel = await withinDeadline(connection.acquire(), 'a channel');
});
patterns.after.each(async () => {
  await channel.close();
  await connection.close();
});
patterns.after(async () => {
  await broker?.close();
});

async function ownQueue(word: string, queueArguments: Record<string, unknown> = {}): Promise<string> {
  return (await channel.queueDeclare({ queue: word === '' ? '' : freshName(word), exclusive: true, arguments: queueArguments })).queue;
}

async function consumed(on: Channel, queue: string, noAck = true): Promise<Inbox<AsyncMessage>> {
  const inbox = new Inbox<AsyncMessage>();
  await on.basicConsume({ queue, noAck }, (message) => inbox.put(message));
  return inbox;
}

patterns('hello', async () => {
  const queue = await ownQueue('hello');
  const inbox = await consumed(channel, queue);
  await channel.basicPublish({ routingKey: queue }, 'Hello World!');
  assert.is((await inbox.take('the greeting')).body, 'Hello World!');
});

patterns('work queue with fair dispatch', async () => {
  const queue = await ownQueue('work');
  const [slow, fast] = [await connection.acquire(), await connection.acquire()];
  await slow.basicQos({ prefetchCount: 1 });
  await fast.basicQos({ prefetchCount: 1 });
  const slowInbox = await consumed(slow, queue, false);
  const fastInbox = await consumed(fast, queue, false);
  for (let task = 0; task < 6; task += 1) await channel.basicPublish({ routingKey: queue, durable: true }, `task ${task}`);
  const stuck = await slowInbox.take('a task');
  const done: unknown[] = [];
  while (done.length < 5) {
    const message = await fastInbox.take('a task');
    done.push(message.body);
    fast.basicAck({ deliveryTag: message.deliveryTag });
  }
  assert.equal([...done, stuck.body].sort(), Array.from({ length: 6 }, (_, task) => `task ${task}`));
  assert.is(slowInbox.length, 0);
  await slow.close();
  await fast.close();
});

patterns('publish and subscribe', async () => {
  const exchange = freshName('logs');
  await channel.exchangeDeclare({ exchange, type: 'fanout', autoDelete: true });
  const inboxes = [];
  for (let subscriber = 0; subscriber < 2; subscriber += 1) {
    const queue = await ownQueue('');
    await channel.queueBind({ queue, exchange, routingKey: '' });
    inboxes.push(await consumed(channel, queue));
  }
  await channel.basicPublish({ exchange, routingKey: '' }, 'news');
  for (const inbox of inboxes) assert.is((await inbox.take('the news')).body, 'news');
});

async function received(type: string, keys: readonly string[], sent: readonly string[], count: number): Promise<string[]> {
  const exchange = freshName(type);
  await channel.exchangeDeclare({ exchange, type, autoDelete: true });
  const queue = await ownQueue('');
  for (const routingKey of keys) await channel.queueBind({ queue, exchange, routingKey });
  const inbox = await consumed(channel, queue);
  for (const routingKey of sent) await channel.basicPublish({ exchange, routingKey }, routingKey);
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
  const queue = freshName('rpc');
  const server = connection.createConsumer({ queue, queueOptions: { exclusive: true }, qos: { prefetchCount: 1 } }, (request, reply) =>
    reply(String(Number(request.body) ** 2)),
  );
  await withinDeadline(new Promise<void>((resolve) => server.on('ready', resolve)), 'the server');
  // The library's own client replies over amq.rabbitmq.reply-to, with correlation ids of its own.
  const client = connection.createRPCClient();
  const replies = await withinDeadline(Promise.all(['3', '4'].map((number) => client.send(queue, number))), 'the replies');
  assert.equal(replies.map((reply) => reply.body), ['9', '16']);
  await client.close();
  await server.close();
});

patterns('confirms', async () => {
  const queue = await ownQueue('confirm');
  await channel.confirmSelect();
  const sends = Array.from({ length: 100 }, (_, n) => channel.basicPublish({ routingKey: queue, durable: true }, String(n)));
  await withinDeadline(Promise.all(sends), 'the confirms');
  assert.is((await channel.queuePurge(queue)).messageCount, 100);
});

patterns('a nack of a full queue', async () => {
  const queue = await ownQueue('full', { 'x-max-length': 1, 'x-overflow': 'reject-publish' });
  await channel.confirmSelect();
  await channel.basicPublish(queue, 'fits');
  const code = await channel.basicPublish(queue, 'does not').then(() => 'ack', (error: { code: string }) => error.code);
  assert.is(code, 'NACK');
});

patterns('mandatory returns', async () => {
  const events = new Inbox<string>();
  channel.on('basic.return', (message: ReturnedMessage) => events.put(`${message.replyCode} ${message.replyText} ${message.body}`));
  await channel.confirmSelect();
  await channel.basicPublish({ exchange: 'amq.direct', routingKey: freshName('nowhere'), mandatory: true }, 'come back');
  events.put('ack');
  // The library shows a return later than the ack that came after it.
  assert.equal((await events.takeMany(2, 'the return and the ack')).sort(), ['312 NO_ROUTE come back', 'ack']);
});

async function failed(attempt: Promise<unknown>): Promise<readonly [code: string, text: string]> {
  const error = await withinDeadline(attempt.then(() => new Error('nothing failed'), (reason: Error) => reason), 'the failure');
  // The library puts its name of the method before what the broker said.
  return [(error as Error & { code?: string }).code ?? '', error.message.replace(/^QueueDeclare: /, '')];
}

patterns('not found', async () => {
  const queue = freshName('missing');
  assert.equal(await failed(channel.queueDeclare({ queue, passive: true })), ['NOT_FOUND', `NOT_FOUND - no queue '${queue}' in vhost '/'`]);
});

patterns('resource locked', async () => {
  const queue = await ownQueue('locked');
  const other = connected();
  const [code, text] = await failed(other.queueDeclare({ queue, passive: true }).finally(() => other.close()));
  assert.is(code, 'RESOURCE_LOCKED');
  assert.is(
    text,
    `RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '${queue}' in vhost '/'. It could be originally declared ` +
      'on another connection or the exclusive property value does not match that of the original declaration.',
  );
});

patterns('precondition failed', async () => {
  const queue = await ownQueue('inequivalent');
  assert.equal(await failed(channel.queueDeclare({ queue, exclusive: true, autoDelete: true })), [
    'PRECONDITION_FAILED',
    `PRECONDITION_FAILED - inequivalent arg 'auto_delete' for queue '${queue}' in vhost '/': received 'true' but current is 'false'`,
  ]);
});

patterns('access refused', async () => {
  assert.equal(await failed(channel.queueDeclare({ queue: 'amq.nobody' })), [
    'ACCESS_REFUSED',
    "ACCESS_REFUSED - queue name 'amq.nobody' contains reserved prefix 'amq.*'",
  ]);
});

patterns.run();
