/** Dead letters: which messages become one, and where they go. */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import { dying, dyingTo, headersOf, next, reject } from '../../support/dead-letters.ts';
import { freshName } from '../../support/fresh-name.ts';
import { type RawValue, table } from '../../support/raw-table.ts';

const { test, run } = conversation('dead letters');

test('nack without requeue is a rejection', async ({ channel }) => {
  const grave = await channel.queue(freshName('grave'));
  const queue = await dyingTo(channel, grave);
  for (const body of ['a', 'b', 'c']) channel.publish({ routingKey: queue }, body);
  await channel.consume(queue);
  const deliveries = await channel.deliveries(3);
  channel.send('basic.nack', { deliveryTag: deliveries[2]!.fields.deliveryTag, multiple: true, requeue: false });
  await channel.untilReady(grave, 3);
  for (const body of ['a', 'b', 'c']) assert.is((await channel.get(grave)).text, body);
});

test('an acknowledged or returned message is no dead letter', async ({ channel }) => {
  const grave = await channel.queue(freshName('grave'));
  const queue = await dyingTo(channel, grave);
  channel.publish({ routingKey: queue }, 'a');
  channel.publish({ routingKey: queue }, 'b');
  await channel.untilReady(queue, 2);
  const first = await channel.get(queue, false);
  const second = await channel.get(queue, false);
  channel.send('basic.ack', { deliveryTag: first.fields.deliveryTag });
  channel.send('basic.reject', { deliveryTag: second.fields.deliveryTag, requeue: true });
  await channel.untilReady(queue, 1);
  await channel.quiet(grave);
  assert.is((await channel.call('queue.declare', { queue: grave, passive: true })).messageCount, 0);
});

test('the letter of a message that was redelivered is new', async ({ channel }) => {
  const grave = await channel.queue(freshName('grave'));
  const queue = await dyingTo(channel, grave);
  channel.publish({ routingKey: queue }, 'a');
  await channel.untilReady(queue, 1);
  channel.send('basic.reject', { deliveryTag: (await channel.get(queue, false)).fields.deliveryTag, requeue: true });
  await channel.untilReady(queue, 1);
  const again = await channel.get(queue, false);
  assert.is(again.fields.redelivered, true);
  channel.send('basic.reject', { deliveryTag: again.fields.deliveryTag, requeue: false });
  await channel.untilReady(grave, 1);
  assert.is((await channel.get(grave)).fields.redelivered, false);
});

test('a delay queue: what has waited long enough arrives where it should', async ({ channel }) => {
  const work = await channel.queue(freshName('work'));
  const queue = await dyingTo(channel, work, { 'x-message-ttl': ['I', 50] });
  await channel.consume(work, { noAck: true });
  for (const body of ['a', 'b', 'c']) channel.publish({ routingKey: queue }, body);
  const letters = await channel.deliveries(3);
  assert.equal(
    letters.map(({ text }) => text),
    ['a', 'b', 'c'],
  );
  const [death] = headersOf(letters[0]!.properties)['x-death'] as Record<string, unknown>[];
  assert.equal(death, { count: 1, exchange: '', queue, reason: 'expired', 'routing-keys': [queue], time: 'a time' });
});

test('a large body stays whole', async ({ channel }) => {
  const grave = await channel.queue(freshName('grave'));
  const queue = await dyingTo(channel, grave);
  const body = Buffer.alloc(300_000, 'abc');
  channel.publish({ routingKey: queue }, body, { headers: table({ mine: ['I', 7] }) });
  await channel.untilReady(queue, 1);
  await reject(channel, queue);
  const letter = await next(channel, grave);
  assert.ok(letter.body.equals(body));
});

test('the head that a length limit drops is a dead letter, in the order of the queue', async ({ channel }) => {
  const grave = await channel.queue(freshName('grave'));
  const queue = await dyingTo(channel, grave, { 'x-max-length': ['I', 2] });
  for (const body of ['a', 'b', 'c', 'd', 'e']) channel.publish({ routingKey: queue }, body);
  await channel.untilReady(grave, 3);
  const letters = [await channel.get(grave), await channel.get(grave), await channel.get(grave)];
  assert.equal(
    letters.map(({ text }) => text),
    ['a', 'b', 'c'],
  );
  const [death] = headersOf(letters[0]!.properties)['x-death'] as Record<string, unknown>[];
  assert.is(death!['reason'], 'maxlen');
  await channel.untilReady(queue, 2);
});

test('what has no time and no room is too much; what had room has expired', async ({ channel }) => {
  for (const [length, reason] of [
    [0, 'maxlen'],
    [1, 'expired'],
  ] as const) {
    const grave = await channel.queue(freshName('grave'));
    const queue = await dyingTo(channel, grave, { 'x-max-length': ['I', length], 'x-message-ttl': ['I', 0] });
    for (const body of ['a', 'b']) channel.publish({ routingKey: queue }, body);
    await channel.untilReady(grave, 2);
    for (const body of ['a', 'b']) {
      const letter = await channel.get(grave);
      assert.is(letter.text, body);
      const [death] = headersOf(letter.properties)['x-death'] as Record<string, unknown>[];
      assert.is(death!['reason'], reason);
    }
  }
});

for (const [overflow, letters] of [
  ['reject-publish', 0],
  ['reject-publish-dlx', 1],
] as const) {
  test(`what ${overflow} refuses makes ${letters} dead letters`, async ({ channel }) => {
    const grave = await channel.queue(freshName('grave'));
    const queue = await dyingTo(channel, grave, { 'x-max-length': ['I', 1], 'x-overflow': ['S', overflow] });
    await channel.call('confirm.select');
    channel.publish({ routingKey: queue }, 'a');
    assert.is((await channel.inbox.take('the verdict')).name, 'basic.ack');
    channel.publish({ routingKey: queue }, 'b');
    assert.is((await channel.inbox.take('the verdict')).name, 'basic.nack');
    await channel.untilReady(grave, letters);
    if (letters === 1) {
      const letter = await channel.get(grave);
      assert.is(letter.text, 'b');
      const [death] = headersOf(letter.properties)['x-death'] as Record<string, unknown>[];
      assert.is(death!['reason'], 'maxlen');
    }
    assert.is((await channel.get(queue)).text, 'a');
  });
}

test('what is purged or deleted is no dead letter', async ({ channel }) => {
  const grave = await channel.queue(freshName('grave'));
  const queue = await dyingTo(channel, grave);
  channel.publish({ routingKey: queue }, 'a');
  await channel.untilReady(queue, 1);
  await channel.call('queue.purge', { queue });
  channel.publish({ routingKey: queue }, 'b');
  await channel.untilReady(queue, 1);
  await channel.call('queue.delete', { queue });
  await channel.quiet(grave);
  assert.is((await channel.call('queue.declare', { queue: grave, passive: true })).messageCount, 0);
});

test('a circle in which nobody rejects ends', async (scene) => {
  const { channel } = scene;
  // What dies in the first goes to the second, and to a witness; what dies in the second goes to the first.
  const exchange = await scene.exchange('fanout');
  const witness = await channel.queue(freshName('witness'));
  const ttl = { 'x-message-ttl': ['I', 20] } as const;
  const first = await dying(channel, exchange, ttl);
  const second = await dyingTo(channel, first, ttl);
  for (const queue of [second, witness]) await channel.call('queue.bind', { queue, exchange });
  channel.publish({ routingKey: first }, 'a');
  assert.is((await next(channel, witness)).text, 'a');
  await channel.untilReady(second, 0);
  // It goes through the second and then the first, behind whatever the circle still holds.
  channel.publish({ routingKey: second }, 'b');
  assert.is((await next(channel, witness)).text, 'b');
  for (const queue of [first, second, witness]) await channel.untilReady(queue, 0);
});

test('a queue may be its own grave for what is rejected', async ({ channel }) => {
  const queue = freshName('self');
  await channel.queue(queue, { arguments: table({ 'x-dead-letter-exchange': ['S', ''] }) });
  channel.publish({ routingKey: queue }, 'a');
  await channel.untilReady(queue, 1);
  for (let round = 1; round <= 3; round++) {
    await reject(channel, queue);
    await channel.untilReady(queue, 1);
  }
  const letter = await channel.get(queue);
  const deaths = headersOf(letter.properties)['x-death'] as Record<string, unknown>[];
  assert.equal(
    deaths.map(({ count }) => count),
    [3],
  );
});

test('a queue is not its own grave for what expires or is too much', async ({ channel }) => {
  const queue = freshName('self');
  await channel.queue(queue, { arguments: table({ 'x-dead-letter-exchange': ['S', ''], 'x-max-length': ['I', 1] }) });
  for (const body of ['a', 'b']) channel.publish({ routingKey: queue }, body);
  await channel.quiet(queue);
  await channel.untilReady(queue, 1);
  assert.is((await channel.get(queue)).text, 'b');
  channel.publish({ routingKey: queue }, 'c', { expiration: '10' });
  await channel.untilReady(queue, 0);
  await channel.quiet(queue);
});

test('an exchange that is not there, or leads nowhere, drops in silence', async (scene) => {
  const { channel } = scene;
  const exchange = await scene.exchange('direct');
  for (const to of [freshName('missing'), exchange]) {
    const queue = await dying(channel, to);
    channel.publish({ routingKey: queue }, 'a');
    await channel.untilReady(queue, 1);
    await reject(channel, queue);
    channel.publish({ routingKey: queue }, 'b');
    await channel.untilReady(queue, 1);
    assert.is((await channel.get(queue)).text, 'b');
  }
});

test('an exchange that comes later gets what dies from then on', async (scene) => {
  const { channel } = scene;
  const name = freshName('later');
  const queue = await dying(channel, name);
  for (const body of ['a', 'b']) channel.publish({ routingKey: queue }, body);
  await channel.untilReady(queue, 2);
  await reject(channel, queue);
  await channel.call('exchange.declare', { exchange: name, type: 'fanout', autoDelete: true });
  const grave = await channel.queue(freshName('grave'));
  await channel.call('queue.bind', { queue: grave, exchange: name });
  await reject(channel, queue);
  assert.is((await next(channel, grave)).text, 'b');
});

test('every queue of the exchange gets a letter', async (scene) => {
  const { channel } = scene;
  const exchange = await scene.exchange('fanout');
  const graves = [await channel.queue(freshName('grave')), await channel.queue(freshName('grave'))];
  for (const grave of graves) await channel.call('queue.bind', { queue: grave, exchange });
  const queue = await dying(channel, exchange);
  channel.publish({ routingKey: queue }, 'a');
  await channel.untilReady(queue, 1);
  await reject(channel, queue);
  for (const grave of graves) assert.is((await next(channel, grave)).text, 'a');
});

test('an alternate exchange takes what the dead-letter exchange does not know', async (scene) => {
  const { channel } = scene;
  const fanout = await scene.exchange('fanout');
  const exchange = await scene.exchange('direct', { arguments: table({ 'alternate-exchange': ['S', fanout] }) });
  const grave = await channel.queue(freshName('grave'));
  await channel.call('queue.bind', { queue: grave, exchange: fanout });
  const queue = await dying(channel, exchange);
  channel.publish({ routingKey: queue }, 'a');
  await channel.untilReady(queue, 1);
  await reject(channel, queue);
  const letter = await next(channel, grave);
  assert.is(letter.fields.exchange, exchange);
});

test('headers decide where a letter goes, those of its death too', async (scene) => {
  const { channel } = scene;
  const exchange = await scene.exchange('headers');
  const [mine, firstDeath] = [await channel.queue(freshName('mine')), await channel.queue(freshName('death'))];
  await channel.call('queue.bind', { queue: mine, exchange, arguments: table({ mine: ['I', 7] }) });
  const withX: Readonly<Record<string, RawValue>> = { 'x-match': ['S', 'all-with-x'], 'x-first-death-reason': ['S', 'rejected'] };
  await channel.call('queue.bind', { queue: firstDeath, exchange, arguments: table(withX) });
  const queue = await dying(channel, exchange);
  channel.publish({ routingKey: queue }, 'a', { headers: table({ mine: ['I', 7] }) });
  channel.publish({ routingKey: queue }, 'b');
  await channel.untilReady(queue, 2);
  await reject(channel, queue);
  assert.is((await next(channel, mine)).text, 'a');
  assert.is((await next(channel, firstDeath)).text, 'a');
  await reject(channel, queue);
  assert.is((await next(channel, firstDeath)).text, 'b');
  await channel.quiet(mine);
});

test('a queue of its own connection, and one that vanishes, get letters like any other', async (scene) => {
  const { channel } = scene;
  const grave = await channel.queue(freshName('exclusive'), { exclusive: true, autoDelete: true });
  const queue = await scene.sharedQueue({ arguments: table({ 'x-dead-letter-exchange': ['S', ''], 'x-dead-letter-routing-key': ['S', grave] }) });
  for (const body of ['a', 'b']) channel.publish({ routingKey: queue }, body);
  await channel.untilReady(queue, 2);
  const consumerTag = await channel.consume(grave, { noAck: true });
  await reject(channel, queue);
  assert.is((await channel.delivery()).text, 'a');
  await channel.call('basic.cancel', { consumerTag });
  await reject(channel, queue);
  await channel.untilReady(queue, 0);
});

test('a letter that its queue refuses is gone', async ({ channel }) => {
  const grave = await channel.queue(freshName('full'), { arguments: table({ 'x-max-length': ['I', 1], 'x-overflow': ['S', 'reject-publish'] }) });
  const queue = await dyingTo(channel, grave);
  for (const body of ['a', 'b', 'c']) channel.publish({ routingKey: queue }, body);
  await channel.untilReady(queue, 3);
  for (let index = 0; index < 3; index++) await reject(channel, queue);
  await channel.untilReady(queue, 0);
  await channel.quiet(grave);
  assert.is((await channel.get(grave)).text, 'a');
  assert.is((await channel.call('queue.declare', { queue: grave, passive: true })).messageCount, 0);
});

test('letters of many messages come in the order of death', async ({ channel }) => {
  const grave = await channel.queue(freshName('grave'));
  const queue = await dyingTo(channel, grave, { 'x-message-ttl': ['I', 30] });
  const count = 3000;
  for (let index = 0; index < count; index++) channel.publish({ routingKey: queue }, `${index}`, { deliveryMode: 1 + (index % 2) });
  await channel.untilReady(grave, count);
  await channel.consume(grave, { noAck: true });
  const letters = await channel.deliveries(count);
  assert.equal(
    letters.map(({ text }) => Number(text)),
    [...letters.keys()],
  );
});

run();
