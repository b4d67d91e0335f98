/** tx.select, commit and rollback (RabbitMQ's guide "Broker Semantics"; rabbit_channel). */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import { freshName } from '../../support/fresh-name.ts';

const { test, run } = conversation('transaction');

test('messages appear with the commit', async ({ channel }) => {
  const queue = await channel.queue(freshName('tx'));
  await channel.call('tx.select');
  await channel.call('tx.select');
  channel.publish({ routingKey: queue }, 'a');
  channel.publish({ routingKey: queue }, 'b');
  channel.send('basic.get', { queue });
  await channel.expect('basic.get-empty');
  await channel.call('tx.commit');
  assert.is((await channel.get(queue)).text, 'a');
  assert.is((await channel.get(queue)).text, 'b');
});

test('messages are forgotten with the rollback', async ({ channel }) => {
  const queue = await channel.queue(freshName('tx'));
  await channel.call('tx.select');
  channel.publish({ routingKey: queue }, 'a');
  await channel.call('tx.rollback');
  channel.publish({ routingKey: queue }, 'b');
  await channel.call('tx.commit');
  const { fields, text } = await channel.get(queue);
  assert.is(text, 'b');
  assert.is(fields.messageCount, 0);
});

test('closing the channel is a rollback', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('tx'));
  await channel.call('tx.select');
  channel.publish({ routingKey: queue }, 'a');
  await channel.call('channel.close', { replyCode: 200 });
  await client.openChannel(1);
  channel.send('basic.get', { queue });
  await channel.expect('basic.get-empty');
});

test('settles count from the commit on', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('tx'));
  const other = await client.openChannel(2);
  for (const body of ['a', 'b']) other.publish({ routingKey: queue }, body);
  await other.untilReady(queue, 2);
  await channel.call('tx.select');
  for (const requeue of [true, false]) {
    const { fields } = await channel.get(queue, false);
    channel.send('basic.reject', { deliveryTag: fields.deliveryTag, requeue });
  }
  other.send('basic.get', { queue });
  await other.expect('basic.get-empty');
  await channel.call('tx.commit');
  const { text, fields } = await other.get(queue);
  assert.is(text, 'a');
  assert.is(fields.redelivered, true);
  assert.is(fields.messageCount, 0);
});

test('a rolled back ack leaves the message unsettled, and can be given again', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('tx'));
  const other = await client.openChannel(2);
  other.publish({ routingKey: queue }, 'a');
  await other.untilReady(queue, 1);
  await channel.call('tx.select');
  const { fields } = await channel.get(queue, false);
  channel.send('basic.ack', { deliveryTag: fields.deliveryTag });
  await channel.call('tx.rollback');
  other.send('basic.get', { queue });
  await other.expect('basic.get-empty');
  channel.send('basic.ack', { deliveryTag: fields.deliveryTag });
  await channel.call('tx.commit');
  await channel.call('channel.close', { replyCode: 200 });
  other.send('basic.get', { queue });
  await other.expect('basic.get-empty');
});

test('returns come with the commit', async ({ channel }) => {
  const queue = await channel.queue(freshName('tx'));
  await channel.call('tx.select');
  channel.publish({ routingKey: freshName('nowhere'), mandatory: true }, 'back');
  await channel.quiet(queue);
  channel.send('tx.commit');
  assert.is((await channel.expectContent('basic.return')).text, 'back');
  await channel.expect('tx.commit-ok');
});

test('a failed check closes the channel at once and the rest is rolled back', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('tx'));
  await channel.call('tx.select');
  channel.publish({ routingKey: queue }, 'a');
  channel.publish({ exchange: freshName('missing'), routingKey: 'k' }, 'b');
  assert.is((await channel.refused()).code, 404);
  await client.openChannel(1);
  channel.send('basic.get', { queue });
  await channel.expect('basic.get-empty');
});

test('an unknown delivery tag closes the channel before the commit', async ({ channel }) => {
  await channel.call('tx.select');
  channel.send('basic.ack', { deliveryTag: 5 });
  assert.equal(await channel.refused(), {
    code: 406,
    text: 'PRECONDITION_FAILED - unknown delivery tag 5',
    method: 'basic.ack',
  });
});

test('the routing is done at the publish', async ({ channel }) => {
  const queue = await channel.queue(freshName('tx'));
  await channel.call('tx.select');
  channel.publish({ exchange: 'amq.direct', routingKey: queue, mandatory: true }, 'early');
  await channel.call('queue.bind', { queue, exchange: 'amq.direct', routingKey: queue });
  channel.send('tx.commit');
  assert.is((await channel.expectContent('basic.return')).text, 'early');
  await channel.expect('tx.commit-ok');
});

run();
