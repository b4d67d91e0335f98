/** x-recent-history. Against RabbitMQ this needs its plugin rabbitmq_recent_history_exchange. */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import type { Scene } from '../../support/conversation.ts';
import { dyingTo, expired } from '../../support/dead-letters.ts';
import { freshName } from '../../support/fresh-name.ts';
import { decodeProperties } from '../../support/raw-properties.ts';
import { table } from '../../support/raw-table.ts';
import type { RawValue } from '../../support/raw-table.ts';

const { test, run } = conversation('recent history');

function remembering(scene: Scene, args: Record<string, RawValue> = {}): Promise<string> {
  return scene.exchange('x-recent-history', { arguments: table(args) });
}

async function bound({ channel }: Scene, exchange: string, routingKey = ''): Promise<string> {
  const queue = await channel.queue(freshName('late'));
  await channel.call('queue.bind', { queue, exchange, routingKey });
  return queue;
}

/** Publishes and waits until all is confirmed. */
async function confirmed({ channel }: Scene, publish: () => number): Promise<void> {
  await channel.call('confirm.select');
  await channel.confirmed(publish());
}

const numbered = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => `m${from + index}`);

test('a queue that is bound late gets the last twenty messages, oldest first', async (scene) => {
  const exchange = await remembering(scene);
  await confirmed(scene, () => {
    for (const body of numbered(0, 25)) scene.channel.publish({ exchange, routingKey: 'k' }, body);
    return 25;
  });
  assert.equal(await scene.channel.drain(await bound(scene, exchange)), numbered(5, 25));
  assert.equal(await scene.channel.drain(await bound(scene, exchange)), numbered(5, 25), 'and the next one too');
});

test('as many as the exchange was declared with, as they were published', async (scene) => {
  const { channel } = scene;
  const exchange = await remembering(scene, { 'x-recent-history-length': ['I', 3] });
  await confirmed(scene, () => {
    for (const body of numbered(0, 10)) channel.publish({ exchange, routingKey: `key.${body}` }, body, { messageId: body, deliveryMode: 2, headers: table({ n: ['S', body] }) });
    return 10;
  });
  const queue = await bound(scene, exchange);
  const { fields, properties, text } = await channel.get(queue);
  assert.equal([text, fields.exchange, fields.routingKey, fields.redelivered, fields.messageCount], ['m7', exchange, 'key.m7', false, 2]);
  assert.equal([properties.messageId, properties.deliveryMode], ['m7', 2]);
  assert.equal(await scene.channel.drain(queue), ['m8', 'm9']);
});

test('to what is bound already it is a fanout', async (scene) => {
  const exchange = await remembering(scene);
  const queues = [await bound(scene, exchange, 'a'), await bound(scene, exchange, 'b')];
  await confirmed(scene, () => {
    scene.channel.publish({ exchange, routingKey: 'c' }, 'all');
    return 1;
  });
  for (const queue of queues) assert.equal(await scene.channel.drain(queue), ['all']);
});

test('what asks not to be remembered is not', async (scene) => {
  const { channel } = scene;
  const exchange = await remembering(scene);
  const flag = (value: RawValue): Buffer => table({ 'x-recent-history-no-store': value });
  const early = await bound(scene, exchange);
  await confirmed(scene, () => {
    channel.publish({ exchange, routingKey: '' }, 'not', { headers: flag(['t', true]) });
    channel.publish({ exchange, routingKey: '' }, 'false', { headers: flag(['t', false]) });
    channel.publish({ exchange, routingKey: '' }, 'text', { headers: flag(['S', 'true']) });
    return 3;
  });
  assert.equal(await scene.channel.drain(early), ['not', 'false', 'text']);
  assert.equal(await scene.channel.drain(await bound(scene, exchange)), ['false', 'text']);
});

test('every new binding brings the history, one that is there already does not', async (scene) => {
  const { channel } = scene;
  const exchange = await remembering(scene);
  await confirmed(scene, () => {
    channel.publish({ exchange, routingKey: '' }, 'once');
    return 1;
  });
  const queue = await bound(scene, exchange, 'a');
  assert.equal(await scene.channel.drain(queue), ['once']);
  await channel.call('queue.bind', { queue, exchange, routingKey: 'a' });
  assert.equal(await scene.channel.drain(queue), []);
  await channel.call('queue.bind', { queue, exchange, routingKey: 'b' });
  assert.equal(await scene.channel.drain(queue), ['once']);
});

test('without a queue a mandatory message comes back, and is remembered', async (scene) => {
  const { channel } = scene;
  const exchange = await remembering(scene);
  await channel.call('confirm.select');
  channel.publish({ exchange, routingKey: 'k', mandatory: true }, 'nobody');
  assert.is((await channel.expectContent('basic.return')).text, 'nobody');
  await channel.expect('basic.ack');
  assert.equal(await scene.channel.drain(await bound(scene, exchange)), ['nobody']);
});

test('an alternate exchange gets what has no binding, and it is remembered', async (scene) => {
  const alternate = await scene.exchange('fanout');
  const exchange = await remembering(scene, { 'alternate-exchange': ['S', alternate] });
  const other = await bound(scene, alternate);
  await confirmed(scene, () => {
    scene.channel.publish({ exchange, routingKey: '', mandatory: true }, 'm');
    return 1;
  });
  assert.equal(await scene.channel.drain(other), ['m']);
  assert.equal(await scene.channel.drain(await bound(scene, exchange)), ['m']);
});

test('an exchange that is bound routes the history on', async (scene) => {
  const { channel } = scene;
  const exchange = await remembering(scene);
  const topic = await scene.exchange('topic');
  const queue = await bound(scene, topic, 'a.#');
  const all = await bound(scene, topic, '#');
  await confirmed(scene, () => {
    channel.publish({ exchange, routingKey: 'a.b' }, 'to it');
    channel.publish({ exchange, routingKey: 'b.a' }, 'past it');
    return 2;
  });
  await channel.call('exchange.bind', { destination: topic, source: exchange });
  await channel.untilReady(all, 2);
  await channel.untilReady(queue, 1);
  assert.equal(await scene.channel.drain(queue), ['to it']);
  assert.equal((await scene.channel.drain(all)).toSorted(), ['past it', 'to it']);
});

test('what comes from another exchange is remembered', async (scene) => {
  const { channel } = scene;
  const first = await scene.exchange('fanout');
  const exchange = await remembering(scene);
  await channel.call('exchange.bind', { destination: exchange, source: first });
  await confirmed(scene, () => {
    channel.publish({ exchange: first, routingKey: 'k' }, 'through');
    return 1;
  });
  const { fields, text } = await channel.get(await bound(scene, exchange));
  assert.equal([text, fields.exchange], ['through', first]);
});

test('the history goes with its exchange', async (scene) => {
  const { channel } = scene;
  const exchange = await remembering(scene);
  await confirmed(scene, () => {
    channel.publish({ exchange, routingKey: '' }, 'before');
    return 1;
  });
  await channel.call('exchange.delete', { exchange });
  await channel.call('exchange.declare', { exchange, type: 'x-recent-history' });
  assert.equal(await scene.channel.drain(await bound(scene, exchange)), []);
});

test('the time of a remembered message begins when it is replayed', async (scene) => {
  const { channel } = scene;
  const exchange = await remembering(scene);
  await confirmed(scene, () => {
    channel.publish({ exchange, routingKey: '' }, 'patient', { expiration: '500' });
    return 1;
  });
  const until = performance.now() + 600;
  while (performance.now() < until) await channel.call('exchange.declare', { exchange, passive: true });
  const grave = await channel.queue(freshName('grave'));
  const queue = await dyingTo(channel, grave);
  const sinceMs = performance.now();
  await channel.call('queue.bind', { queue, exchange });
  await expired(channel, grave, queue, { sinceMs, ttlMs: 500 });
  const { text, header } = await channel.get(await bound(scene, exchange));
  assert.equal([text, decodeProperties(header).expiration], ['patient', '500']);
});

test('a transaction is remembered', async (scene) => {
  const { channel } = scene;
  const exchange = await remembering(scene);
  await channel.call('tx.select');
  channel.publish({ exchange, routingKey: '' }, 'committed');
  await channel.call('tx.commit');
  assert.equal(await scene.channel.drain(await bound(scene, exchange)), ['committed']);
});

test('refused lengths', async (scene) => {
  const declare = async (number: number, length: RawValue): Promise<string> => {
    const channel = await scene.client.openChannel(number);
    channel.send('exchange.declare', { exchange: freshName('refused'), type: 'x-recent-history', arguments: table({ 'x-recent-history-length': length }) });
    return (await channel.refused()).text;
  };
  const text = (term: string): string => `PRECONDITION_FAILED - Invalid argument ${term}, 'x-recent-history-length' must be a positive integer`;
  assert.is(await declare(2, ['I', 0]), text('0'));
  assert.is(await declare(3, ['I', -4]), text('-4'));
  assert.is(await declare(4, ['S', '5']), text('<<"5">>'));
});

run();
