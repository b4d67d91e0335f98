/** What a dead letter says of the death: its headers, its properties, and what of them a client may say itself. */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import { dying, dyingTo, fieldsOf, headersOf, next, reject, rejectedHeaders } from '../../support/dead-letters.ts';
import { freshName } from '../../support/fresh-name.ts';
import { table } from '../../support/raw-table.ts';

const { test, run } = conversation('headers of dead letters');

test('what is rejected says why, where from and when', async ({ channel }) => {
  const { queue, grave, letter, headers } = await rejectedHeaders(channel, {});
  assert.is(letter.text, 'a');
  assert.is(letter.fields.exchange, '');
  assert.is(letter.fields.routingKey, grave);
  assert.is(letter.fields.redelivered, false);
  assert.equal(headers, {
    'x-death': [{ count: 1, exchange: '', queue, reason: 'rejected', 'routing-keys': [queue], time: 'a time' }],
    'x-first-death-exchange': '',
    'x-first-death-queue': queue,
    'x-first-death-reason': 'rejected',
  });
});

test('the time of a death is in seconds, now', async ({ channel }) => {
  const { letter } = await rejectedHeaders(channel, {});
  const deaths = fieldsOf(letter.properties).get('x-death');
  const death = deaths?.type === 'A' ? deaths.value[0] : undefined;
  const time = death?.type === 'F' ? death.value.get('time') : undefined;
  assert.is(time?.type, 'T');
  const seconds = time?.type === 'T' ? Number(time.value) : 0;
  assert.ok(Math.abs(seconds - Date.now() / 1000) < 20, `${seconds}`);
  const count = death?.type === 'F' ? death.value.get('count') : undefined;
  assert.is(count?.type, 'l');
});

test('the time of a message itself is told, and does not count any more', async ({ channel }) => {
  const grave = await channel.queue(freshName('grave'));
  const queue = await dyingTo(channel, grave);
  channel.publish({ routingKey: queue }, 'a', { expiration: '20', contentType: 'text/plain', correlationId: 'c', replyTo: 'r', messageId: 'm' });
  const { properties } = await next(channel, grave);
  const [death] = headersOf(properties)['x-death'] as Record<string, unknown>[];
  assert.equal(death, {
    count: 1,
    exchange: '',
    'original-expiration': '20',
    queue,
    reason: 'expired',
    'routing-keys': [queue],
    time: 'a time',
  });
  const { headers: _, ...others } = properties;
  assert.equal(others, { contentType: 'text/plain', correlationId: 'c', replyTo: 'r', messageId: 'm' });
});

test('headers and properties of a message stay', async ({ channel }) => {
  const properties = {
    contentType: 'text/plain',
    contentEncoding: 'gzip',
    deliveryMode: 2,
    priority: 3,
    correlationId: 'c',
    replyTo: 'r',
    messageId: 'm',
    timestamp: 1234,
    type: 't',
    appId: 'a',
  };
  const { letter, headers } = await rejectedHeaders(channel, { ...properties, headers: table({ mine: ['I', 7], too: ['S', 'x'] }) });
  assert.is(headers['mine'], 7);
  assert.is(headers['too'], 'x');
  const { headers: _, ...others } = letter.properties;
  assert.equal(others, properties);
});

test('without a routing key of the queue a letter keeps its own, and CC, which stays', async (scene) => {
  const { channel } = scene;
  const exchange = await scene.exchange('direct');
  const [first, second, third] = [await channel.queue(freshName('one')), await channel.queue(freshName('two')), await channel.queue(freshName('three'))];
  const queue = await dying(channel, exchange);
  await channel.call('queue.bind', { queue: first, exchange, routingKey: queue });
  await channel.call('queue.bind', { queue: second, exchange, routingKey: 'copy' });
  await channel.call('queue.bind', { queue: third, exchange, routingKey: 'other' });
  channel.publish({ routingKey: queue }, 'a', { headers: table({ CC: ['A', [['S', 'copy']]] }) });
  await channel.untilReady(queue, 1);
  await reject(channel, queue);
  for (const each of [first, second]) {
    const letter = await next(channel, each);
    assert.is(letter.fields.exchange, exchange);
    assert.is(letter.fields.routingKey, queue);
    const headers = headersOf(letter.properties);
    assert.equal(headers['CC'], ['copy']);
    const [death] = headers['x-death'] as Record<string, unknown>[];
    assert.equal(death!['routing-keys'], [queue, 'copy']);
  }
  await channel.quiet(third);
});

test('the keys of BCC, which nobody sees, lead a letter that keeps its keys, from death to death', async (scene) => {
  const { channel } = scene;
  const exchange = await scene.exchange('direct');
  const blind = await dying(channel, exchange);
  const seen = await channel.queue(freshName('seen'));
  const queue = await dying(channel, exchange);
  await channel.call('queue.bind', { queue: seen, exchange, routingKey: 'open' });
  await channel.call('queue.bind', { queue: blind, exchange, routingKey: 'blind' });
  for (const body of ['', 'a', 'b'.repeat(20_000)]) {
    const headers = table({ CC: ['A', [['S', 'open']]], BCC: ['A', [['S', 'blind'], ['I', 3], ['S', 'more']]] });
    channel.publish({ routingKey: queue }, body, { headers });
    await channel.untilReady(queue, 1);
    await reject(channel, queue);
    assert.is((await next(channel, seen)).text, body);
    await channel.untilReady(blind, 1);
    // It dies again, where it came by BCC alone.
    await reject(channel, blind);
    const letter = await next(channel, seen);
    assert.is(letter.text, body);
    const again = await next(channel, blind);
    assert.is(again.text, body);
    const headersSeen = headersOf(again.properties);
    assert.not('BCC' in headersSeen);
    const deaths = headersSeen['x-death'] as Record<string, unknown>[];
    assert.equal(
      deaths.map((death) => death['routing-keys']),
      [
        [queue, 'open'],
        [queue, 'open'],
      ],
    );
  }
});

test('a routing key of the queue ends what BCC said', async (scene) => {
  const { channel } = scene;
  const exchange = await scene.exchange('direct');
  const blind = await channel.queue(freshName('blind'));
  await channel.call('queue.bind', { queue: blind, exchange, routingKey: 'blind' });
  const second = await dying(channel, exchange);
  const first = await dyingTo(channel, second);
  channel.publish({ routingKey: first }, 'a', { headers: table({ BCC: ['A', [['S', 'blind']]] }) });
  await channel.untilReady(first, 1);
  await reject(channel, first);
  await channel.untilReady(second, 1);
  await reject(channel, second);
  await channel.quiet(second);
  assert.is((await channel.call('queue.declare', { queue: blind, passive: true })).messageCount, 0);
});

test('with a routing key of the queue CC goes, and the death remembers it', async ({ channel }) => {
  const { queue, headers } = await rejectedHeaders(channel, { headers: table({ CC: ['A', [['S', 'copy']]], mine: ['t', true] }) });
  assert.not('CC' in headers);
  assert.is(headers['mine'], true);
  const [death] = headers['x-death'] as Record<string, unknown>[];
  assert.equal(death!['routing-keys'], [queue, 'copy']);
});

test('the death tells the exchange to which the message was published', async (scene) => {
  const { channel } = scene;
  const exchange = await scene.exchange('topic');
  const grave = await channel.queue(freshName('grave'));
  const queue = await dyingTo(channel, grave);
  await channel.call('queue.bind', { queue, exchange, routingKey: 'a.*' });
  channel.publish({ exchange, routingKey: 'a.b' }, 'a');
  await channel.untilReady(queue, 1);
  await reject(channel, queue);
  const headers = headersOf((await next(channel, grave)).properties);
  const [death] = headers['x-death'] as Record<string, unknown>[];
  assert.is(death!['exchange'], exchange);
  assert.equal(death!['routing-keys'], ['a.b']);
  assert.is(headers['x-first-death-exchange'], exchange);
});

test('a retry loop counts its deaths', async ({ channel }) => {
  const work = freshName('work');
  const wait = freshName('wait');
  await channel.queue(work, { arguments: table({ 'x-dead-letter-exchange': ['S', ''], 'x-dead-letter-routing-key': ['S', wait] }) });
  await channel.queue(wait, {
    arguments: table({ 'x-dead-letter-exchange': ['S', ''], 'x-dead-letter-routing-key': ['S', work], 'x-message-ttl': ['I', 10] }),
  });
  channel.publish({ routingKey: work }, 'a', { headers: table({ mine: ['I', 7] }) });
  await channel.consume(work);
  for (let round = 0; round < 4; round++) {
    const { fields, properties, text } = await channel.delivery();
    assert.is(text, 'a');
    assert.is(fields.redelivered, false);
    const headers = headersOf(properties);
    const deaths = (headers['x-death'] ?? []) as Record<string, unknown>[];
    assert.equal(
      deaths.map(({ queue, reason, count }) => [queue, reason, count]),
      round === 0
        ? []
        : [
            [wait, 'expired', round],
            [work, 'rejected', round],
          ],
    );
    if (round > 0) {
      assert.is(headers['x-first-death-queue'], work);
      assert.is(headers['x-first-death-reason'], 'rejected');
      assert.is(headers['mine'], 7);
    }
    channel.send('basic.nack', { deliveryTag: fields.deliveryTag, requeue: false });
  }
});

const DEATH = { queue: ['S', 'elsewhere'], reason: ['S', 'rejected'], count: ['l', 5n], exchange: ['S', 'x'] } as const;

test('deaths that a client tells of are believed', async ({ channel }) => {
  const { queue, headers } = await rejectedHeaders(channel, { headers: table({ 'x-death': ['A', [['F', DEATH]]] }) });
  const deaths = headers['x-death'] as Record<string, unknown>[];
  assert.equal(
    deaths.map((each) => [each['queue'], each['count']]),
    [
      [queue, 1],
      ['elsewhere', 5],
    ],
  );
});

test('what is no list of deaths is replaced', async ({ channel }) => {
  const { queue, headers } = await rejectedHeaders(channel, { headers: table({ 'x-death': ['S', 'none'], mine: ['I', 1] }) });
  const deaths = headers['x-death'] as Record<string, unknown>[];
  assert.equal(
    deaths.map((each) => [each['queue'], each['count']]),
    [[queue, 1]],
  );
  assert.is(headers['mine'], 1);
});

test('a first death that a client tells of is replaced by the first', async ({ channel }) => {
  const { queue, headers } = await rejectedHeaders(channel, { headers: table({ 'x-first-death-queue': ['S', 'mine'] }) });
  assert.is(headers['x-first-death-queue'], queue);
});

run();
