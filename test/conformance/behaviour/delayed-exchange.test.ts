/**
 * x-delayed-message as RabbitMQ's plugin rabbitmq_delayed_message_exchange has it, and beyond it: mandatory is honoured. Against RabbitMQ
 * this needs the plugin, which its distribution does not bring along.
 */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import type { Scene } from '../../support/conversation.ts';
import { dyingTo, expired } from '../../support/dead-letters.ts';
import { freshName } from '../../support/fresh-name.ts';
import type { RawChannel } from '../../support/raw-channel.ts';
import { table } from '../../support/raw-table.ts';
import type { RawValue } from '../../support/raw-table.ts';
import { TOO_LATE, timely } from '../../support/timely.ts';

const { test, run } = conversation('x-delayed-message');

const DELAY_MS = 700;
/** Of what must not come before a test ends. */
const FAR_MS = 3_600_000;

function delayed(scene: Scene, type = 'direct', fields: Record<string, RawValue> = {}): Promise<string> {
  return scene.exchange('x-delayed-message', { arguments: table({ 'x-delayed-type': ['S', type], ...fields }) });
}

async function bound({ channel }: Scene, exchange: string, routingKey = 'k', args: Record<string, RawValue> = {}): Promise<string> {
  const queue = await channel.queue(freshName('later'));
  await channel.call('queue.bind', { queue, exchange, routingKey, arguments: table(args) });
  return queue;
}

function publish(channel: RawChannel, exchange: string, body: string, delay: RawValue | undefined, headers: Record<string, RawValue> = {}): void {
  const all = delay === undefined ? headers : { ...headers, 'x-delay': delay };
  channel.publish({ exchange, routingKey: 'k' }, body, { headers: table(all) });
}

const header = (delay: RawValue): Buffer => table({ 'x-delay': delay });

async function refusal({ client }: Scene, args: Record<string, RawValue>): Promise<string> {
  const channel = await client.openChannel(2);
  channel.send('exchange.declare', { exchange: freshName('refused'), type: 'x-delayed-message', arguments: table(args) });
  const { code, text } = await channel.refused();
  return `${code} ${text}`;
}

const INVALID = "406 PRECONDITION_FAILED - Invalid argument, 'x-delayed-type' must be an existing exchange type";

test('says how it routes, or is refused', async (scene) => {
  assert.is(await refusal(scene, {}), INVALID);
  assert.is(await refusal(scene, { 'x-delayed-type': ['I', 1] }), INVALID);
  assert.is(await refusal(scene, { 'x-delayed-type': ['S', 'x-delayed-message'] }), INVALID);
  assert.is(await refusal(scene, { 'x-delayed-type': ['S', 'nonsense'] }), "406 PRECONDITION_FAILED - unknown exchange type 'nonsense'");
});

test('holds back for as long as the header says, whatever integer it is, and negates it', async (scene) => {
  const { client } = scene;
  const stepMs = 200;
  const short: RawValue[] = [['b', 120], ['B', 250]];
  const long: RawValue[] = [['s', 500], ['u', 700], ['I', 900], ['i', 1100], ['l', 1300n], ['S', '1500'], ['d', 1700.9]];
  await timely(async (number) => {
    const exchange = await delayed(scene);
    const queue = await bound(scene, exchange);
    const [publishing, consuming] = [await client.openChannel(2 + 2 * number), await client.openChannel(3 + 2 * number)];
    await consuming.consume(queue, { noAck: true });
    await publishing.call('confirm.select');
    const startedAt = performance.now();
    for (const delay of [...short, ...long.toReversed()]) publish(publishing, exchange, String(delay[1]), delay);
    await publishing.confirmed(short.length + long.length);
    // Published so far apart, they come in another order.
    if (performance.now() - startedAt >= stepMs) return TOO_LATE;
    for (const delay of [...short, ...long]) {
      const { text, properties, fields } = await consuming.delivery();
      const delayMs = Math.trunc(Number(delay[1]));
      assert.is(text, String(delay[1]));
      assert.equal(properties.headers, header(['I', -delayMs]));
      assert.equal([fields.exchange, fields.routingKey, fields.redelivered], [exchange, 'k', false]);
      assert.ok(performance.now() - startedAt >= delayMs - 1, `${delayMs} ms are over`);
    }
    return undefined;
  });
});

test('routes at once what asks for no delay, or for one that cannot be', async (scene) => {
  const { channel } = scene;
  const exchange = await delayed(scene);
  const queue = await bound(scene, exchange);
  await channel.consume(queue, { noAck: true });
  publish(channel, exchange, 'later', ['I', FAR_MS]);
  const none: (RawValue | undefined)[] = [undefined, ['I', 0], ['I', -1], ['S', 'soon'], ['t', true], ['l', 2n ** 32n], ['V'], ['F', {}]];
  for (const delay of none) publish(channel, exchange, 'at once', delay);
  channel.publish({ exchange, routingKey: 'k' }, 'bare');
  for (const delay of none) {
    const { text, properties } = await channel.delivery();
    assert.is(text, 'at once');
    assert.equal(properties.headers, delay === undefined ? table({}) : header(delay));
  }
  assert.is((await channel.delivery()).text, 'bare');
  await channel.quiet(queue);
});

test('keeps the order of those that are due together, large and empty ones among them', async (scene) => {
  const { channel } = scene;
  const exchange = await delayed(scene);
  const queue = await bound(scene, exchange);
  const bodies = Array.from({ length: 300 }, (_, n) => (n % 50 === 7 ? String(n).padEnd(200_000, 'x') : n % 50 === 9 ? '' : String(n)));
  await channel.consume(queue, { noAck: true });
  await channel.call('confirm.select');
  for (const body of bodies) publish(channel, exchange, body, ['I', 400]);
  const seen: string[] = [];
  while (seen.length < bodies.length) {
    const { name, body } = await channel.inbox.take('a delivery or a confirm');
    if (name === 'basic.deliver') seen.push(String(body ?? ''));
  }
  // What was published within one millisecond is in order; between two, the earlier is due earlier.
  assert.equal(seen.map((text) => text.length), bodies.map((text) => text.length));
  assert.equal(seen, bodies);
});

test('asks the bindings of the moment', async (scene) => {
  const { channel } = scene;
  const { early, late } = await timely(async () => {
    const exchange = await delayed(scene);
    const bindings = { early: await bound(scene, exchange), late: '' };
    const publishedMs = performance.now();
    publish(channel, exchange, 'm', ['I', DELAY_MS]);
    await channel.call('queue.unbind', { queue: bindings.early, exchange, routingKey: 'k' });
    bindings.late = await bound(scene, exchange);
    return performance.now() - publishedMs < DELAY_MS ? bindings : TOO_LATE;
  });
  await channel.consume(late, { noAck: true });
  assert.is((await channel.delivery()).text, 'm');
  assert.is((await channel.call('queue.purge', { queue: early })).messageCount, 0);
});

test('routes as the type that it names, with CC and BCC', async (scene) => {
  const { channel } = scene;
  const topic = await delayed(scene, 'topic');
  const queue = await bound(scene, topic, 'a.*');
  const other = await bound(scene, topic, 'b.#');
  const blind = await bound(scene, topic, 'c');
  const headers = table({ CC: ['A', [['S', 'b.x']]], BCC: ['A', [['S', 'c']]], 'x-delay': ['I', 100] });
  channel.publish({ exchange: topic, routingKey: 'a.1' }, 'm', { headers, deliveryMode: 2, messageId: 'id' });
  for (const each of [queue, other, blind]) {
    await channel.untilReady(each, 1);
    const { text, properties } = await channel.get(each);
    assert.is(text, 'm');
    assert.equal(properties, { headers: table({ CC: ['A', [['S', 'b.x']]], 'x-delay': ['I', -100] }), deliveryMode: 2, messageId: 'id' });
  }
  const byHeaders = await delayed(scene, 'headers');
  const matching = await bound(scene, byHeaders, '', { 'x-match': ['S', 'all'], colour: ['S', 'red'] });
  publish(channel, byHeaders, 'blue', ['I', 50], { colour: ['S', 'blue'] });
  publish(channel, byHeaders, 'red', ['I', 60], { colour: ['S', 'red'] });
  await channel.untilReady(matching, 1);
  assert.is((await channel.get(matching)).text, 'red');
});

test('delays what comes from another exchange, and goes on to another', async (scene) => {
  const { channel } = scene;
  const source = await scene.exchange('fanout');
  const exchange = await delayed(scene, 'fanout');
  const behind = await delayed(scene, 'fanout');
  const direct = await bound(scene, source);
  const last = await bound(scene, behind);
  await channel.call('exchange.bind', { source, destination: exchange });
  await channel.call('exchange.bind', { source: exchange, destination: behind });
  const consuming = await scene.client.openChannel(2);
  await consuming.consume(last, { noAck: true });
  await channel.call('confirm.select');
  publish(channel, source, 'm', ['I', DELAY_MS]);
  await channel.expect('basic.ack');
  assert.equal((await channel.get(direct)).properties.headers, header(['I', DELAY_MS]));
  const { fields, properties } = await consuming.delivery();
  assert.is(fields.exchange, source);
  assert.equal(properties.headers, header(['I', -DELAY_MS]));
});

test('asks the alternate exchange when the time has come', async (scene) => {
  const { channel } = scene;
  const alternate = await scene.exchange('fanout');
  const exchange = await delayed(scene, 'direct', { 'alternate-exchange': ['S', alternate] });
  const queue = await bound(scene, alternate);
  publish(channel, exchange, 'm', ['I', 100]);
  await channel.consume(queue, { noAck: true });
  assert.is((await channel.delivery()).text, 'm');
});

test('gives back what is mandatory and would find no queue now', async (scene) => {
  const { channel } = scene;
  const exchange = await delayed(scene);
  await channel.call('confirm.select');
  const properties = { headers: header(['I', 100]) };
  channel.publish({ exchange, routingKey: 'k', mandatory: true }, 'nobody', properties);
  const returned = await channel.expectContent('basic.return');
  assert.equal([returned.fields.replyText, returned.text, returned.properties], ['NO_ROUTE', 'nobody', properties]);
  await channel.expect('basic.ack');
  const queue = await timely(async () => {
    const other = await delayed(scene);
    const publishedMs = performance.now();
    channel.publish({ exchange: other, routingKey: 'k' }, 'not mandatory', { headers: header(['I', DELAY_MS]) });
    await channel.expect('basic.ack');
    const found = await bound(scene, other);
    if (performance.now() - publishedMs >= DELAY_MS) return TOO_LATE;
    channel.publish({ exchange: other, routingKey: 'k', mandatory: true }, 'm', properties);
    await channel.expect('basic.ack');
    return found;
  });
  await channel.untilReady(queue, 2);
});

test('takes what waits along when it is deleted', async (scene) => {
  const { channel } = scene;
  const exchange = await delayed(scene);
  await bound(scene, exchange);
  await channel.call('confirm.select');
  publish(channel, exchange, 'gone', ['I', 150]);
  await channel.expect('basic.ack');
  await channel.call('exchange.delete', { exchange });
  await channel.call('exchange.declare', { exchange, type: 'x-delayed-message', arguments: table({ 'x-delayed-type': ['S', 'direct'] }) });
  const queue = await bound(scene, exchange);
  publish(channel, exchange, 'after', ['I', 200]);
  await channel.expect('basic.ack');
  await channel.consume(queue, { noAck: true });
  assert.is((await channel.delivery()).text, 'after');
});

test('what it holds back is in no queue that anybody can name', async (scene) => {
  const { channel, client } = scene;
  const exchange = await delayed(scene);
  await channel.call('confirm.select');
  const name = `amq.delayed.${exchange}`;
  channel.publish({ routingKey: name, mandatory: true }, 'm');
  assert.is((await channel.expectContent('basic.return')).fields.replyText, 'NO_ROUTE');
  await channel.expect('basic.ack');
  const asking = await client.openChannel(2);
  asking.send('queue.declare', { queue: name, passive: true });
  assert.is((await asking.refused()).code, 404);
});

test('in a transaction the time begins with the commit', async (scene) => {
  const { channel, client } = scene;
  const exchange = await delayed(scene);
  const queue = await bound(scene, exchange);
  await channel.consume(queue, { noAck: true });
  const other = await client.openChannel(2);
  await other.call('tx.select');
  publish(other, exchange, 'rolled back', ['I', 50]);
  await other.call('tx.rollback');
  publish(other, exchange, 'm', ['I', 100]);
  await other.call('tx.commit');
  assert.is((await channel.delivery()).text, 'm');
});

test('a time to live begins in the queue', async (scene) => {
  const { channel } = scene;
  const exchange = await delayed(scene);
  const grave = await channel.queue(freshName('grave'));
  const queue = await dyingTo(channel, grave, { 'x-message-ttl': ['I', 400] });
  await channel.call('queue.bind', { queue, exchange, routingKey: 'k' });
  const sinceMs = performance.now();
  publish(channel, exchange, 'm', ['I', 600]);
  await expired(channel, grave, queue, { sinceMs, ttlMs: 1000 });
});

test('holds a dead letter back, from its death on', async (scene) => {
  const { channel } = scene;
  const exchange = await delayed(scene);
  const queue = await bound(scene, exchange);
  const dying = await channel.queue(freshName('dying'), {
    arguments: table({ 'x-dead-letter-exchange': ['S', exchange], 'x-dead-letter-routing-key': ['S', 'k'] }),
  });
  channel.publish({ routingKey: dying }, 'later', { headers: table({ 'x-delay': ['I', DELAY_MS] }) });
  channel.publish({ routingKey: dying }, 'at once');
  await channel.untilReady(dying, 2);
  const later = await channel.get(dying, false);
  const atOnce = await channel.get(dying, false);
  await channel.consume(queue, { noAck: true });
  channel.send('basic.reject', { deliveryTag: atOnce.fields.deliveryTag, requeue: false });
  const diedAt = performance.now();
  channel.send('basic.reject', { deliveryTag: later.fields.deliveryTag, requeue: false });
  assert.is((await channel.delivery()).text, 'at once');
  assert.is((await channel.delivery()).text, 'later');
  assert.ok(performance.now() - diedAt >= DELAY_MS - 5, `${performance.now() - diedAt} ms`);
});

run();
