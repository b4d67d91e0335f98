/** From the first byte to connection.open-ok (AMQP 0-9-1 section 2.2.4; RabbitMQ's rabbit_reader). */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import type { RawClient } from '../../support/raw-client.ts';
import { table } from '../../support/raw-table.ts';

const { test, run } = conversation('handshake');

const header = (...bytes: number[]): Buffer => Buffer.concat([Buffer.from('AMQP'), Buffer.from(bytes)]);

for (const [title, bytes] of [
  ['AMQP 1.0', header(0, 1, 0, 0)],
  ['a future AMQP', header(0, 0, 9, 9)],
  ['another protocol', Buffer.from('HELO you')],
] as const) {
  test(`${title} is answered with the header that would do`, async (scene) => {
    const client = await scene.dial();
    client.write(bytes);
    assert.equal(await client.protocolHeaders.take('a protocol header'), header(0, 0, 9, 1));
    await client.ended();
  });
}

test('connection.start offers what clients look for', async (scene) => {
  const client = await scene.dial();
  client.write(header(0, 0, 9, 1));
  const start = await client.connection.expect('connection.start');
  assert.is(start.versionMajor, 0);
  assert.is(start.versionMinor, 9);
  assert.is(start.locales.toString(), 'en_US');
  const mechanisms = start.mechanisms.toString().split(' ');
  for (const mechanism of ['PLAIN', 'AMQPLAIN']) assert.ok(mechanisms.includes(mechanism), mechanism);
  const capabilities = [
    'publisher_confirms',
    'exchange_exchange_bindings',
    'basic.nack',
    'consumer_cancel_notify',
    'connection.blocked',
    'consumer_priorities',
    'authentication_failure_close',
    'per_consumer_qos',
    'direct_reply_to',
  ];
  for (const capability of capabilities) {
    assert.ok(start.serverProperties.includes(table({ [capability]: ['t', true] })), capability);
  }
  for (const property of ['product', 'version', 'platform', 'capabilities', 'cluster_name']) {
    assert.ok(start.serverProperties.includes(Buffer.from(`${String.fromCharCode(property.length)}${property}`)), property);
  }
});

async function started(client: RawClient, mechanism: string, response: Buffer, capable = true): Promise<void> {
  client.write(header(0, 0, 9, 1));
  await client.connection.expect('connection.start');
  const clientProperties = table(capable ? { capabilities: ['F', { authentication_failure_close: ['t', true] }] } : {});
  client.connection.send('connection.start-ok', { clientProperties, mechanism, response, locale: 'en_US' });
}

test('tune proposes 2047 channels, frames of 131072 bytes and a heartbeat of 60 s', async (scene) => {
  const client = await scene.dial();
  await started(client, 'PLAIN', Buffer.from(`\0${scene.broker.user}\0${scene.broker.password}`));
  assert.equal(await client.connection.expect('connection.tune'), { channelMax: 2047, frameMax: 131_072, heartbeat: 60 });
});

test('AMQPLAIN takes a table without its length', async (scene) => {
  const client = await scene.dial();
  const { user, password } = scene.broker;
  await started(client, 'AMQPLAIN', table({ LOGIN: ['S', user], PASSWORD: ['S', password] }));
  await client.connection.expect('connection.tune');
});

test('a wrong password is told to a client that can hear it', async (scene) => {
  const client = await scene.dial();
  await started(client, 'PLAIN', Buffer.from('\0guest\0wrong'));
  assert.equal(await client.refused(), {
    code: 403,
    text: 'ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile.',
    method: '0.0',
  });
});

test('a wrong password cuts off a client that cannot', async (scene) => {
  const client = await scene.dial();
  await started(client, 'PLAIN', Buffer.from('\0guest\0wrong'), false);
  await client.ended();
  assert.is(client.connection.inbox.length, 0);
});

test('an unknown virtual host is refused', async (scene) => {
  const client = await scene.dial();
  await client.authenticate(scene.broker);
  client.connection.send('connection.tune-ok', { channelMax: 2047, frameMax: 131_072, heartbeat: 0 });
  client.connection.send('connection.open', { virtualHost: 'no such host' });
  assert.equal(await client.refused(), { code: 530, text: 'NOT_ALLOWED - vhost no such host not found', method: 'connection.open' });
});

/** How the broker turns an unfinished handshake down; an open-ok fails the test. */
async function turnedDown(client: RawClient): Promise<string> {
  // Real servers end a bad start-ok or tune-ok in silence, some 3 s later, or with a close; either will do.
  const answer = await client.connection.inbox.take('a close').then((incoming) => incoming.name, () => 'the end');
  assert.ok(['connection.close', 'the end'].includes(answer), answer);
  return answer;
}

/** A limit under the least, one over the proposed, too many channels. */
const BAD_TUNES = [
  { channelMax: 2047, frameMax: 1024, heartbeat: 0 },
  { channelMax: 2047, frameMax: 131_073, heartbeat: 0 },
  { channelMax: 2048, frameMax: 131_072, heartbeat: 0 },
] as const;

// One test for all, because each may take its 3 s.
test('an unknown mechanism and limits out of range are turned down', async (scene) => {
  const psychic = await scene.dial();
  await started(psychic, 'TELEPATHY', Buffer.alloc(0));
  const greedy = await Promise.all(
    BAD_TUNES.map(async (tune) => {
      const client = await scene.dial();
      await client.authenticate(scene.broker);
      client.connection.send('connection.tune-ok', tune);
      client.connection.send('connection.open', { virtualHost: '/' });
      return client;
    }),
  );
  const answers = await Promise.all([psychic, ...greedy].map(turnedDown));
  assert.is(answers.length, 4);
});

test('update-secret is answered', async ({ client }) => {
  client.connection.send('connection.update-secret', { newSecret: Buffer.from('guest'), reason: 'renewal' });
  assert.equal(await client.connection.expect('connection.update-secret-ok'), {});
});

test('connection.blocked does not come without an alarm', async ({ channel, client }) => {
  const queue = await channel.queue('');
  channel.publish({ routingKey: queue }, Buffer.alloc(100_000));
  await channel.get(queue);
  assert.is(client.connection.inbox.length, 0);
});

test("the client's close is answered and the connection ends", async (scene) => {
  const client = await scene.connect();
  client.connection.send('connection.close', { replyCode: 200, replyText: 'bye' });
  await client.connection.expect('connection.close-ok');
  client.drop();
});

run();
