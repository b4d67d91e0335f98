/**
 * Frames that are wrong, and the close that answers them (AMQP 0-9-1 section 4.2; RabbitMQ's rabbit_reader and
 * rabbit_command_assembler). Where RabbitMQ's releases end the connection in silence, a 5xx close is as good.
 */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import type { Scene } from '../../support/conversation.ts';
import { freshName } from '../../support/fresh-name.ts';
import { long, longstr, short, shortstr } from '../../support/raw-bytes.ts';
import { FRAME } from '../../support/raw-channel.ts';
import { RawClient } from '../../support/raw-client.ts';

const { test, run } = conversation('bad frames');

const NOTHING = Buffer.alloc(0);

/** The code of the broker's connection.close, or 0 when it ended the connection without one. */
async function closeCode({ client }: Scene): Promise<number> {
  const incoming = await client.connection.inbox.take('a close').catch(() => undefined);
  if (incoming === undefined) {
    await client.ended();
    return 0;
  }
  assert.is(incoming.name, 'connection.close');
  client.connection.send('connection.close-ok');
  return incoming.arguments.readUInt16BE(0);
}

async function brokerAlive({ broker }: Scene): Promise<void> {
  const client = await RawClient.connect(broker);
  await client.openChannel();
  await client.close();
}

type Row = { readonly title: string; readonly provoke: (scene: Scene) => void; readonly codes: readonly number[] };

const ROWS: readonly Row[] = [
  {
    title: 'a wrong end byte',
    provoke: ({ client }) => client.sendFrame(FRAME.method, 1, Buffer.concat([short(60), short(10), Buffer.alloc(7)]), 0x00),
    codes: [501],
  },
  { title: 'an unknown frame type', provoke: ({ client }) => client.sendFrame(9, 1, Buffer.from('what')), codes: [501, 505] },
  {
    title: 'a frame above the agreed size',
    provoke: ({ client }) => client.write(Buffer.concat([Buffer.of(3), short(1), long(131_073), Buffer.alloc(131_073)])),
    codes: [501],
  },
  {
    title: 'a size near 4 GiB announced',
    provoke: ({ client }) => client.write(Buffer.concat([Buffer.of(1), short(1), long(0xffff_fff0), Buffer.alloc(64)])),
    codes: [501],
  },
  { title: 'a heartbeat on a channel', provoke: ({ client }) => client.sendFrame(FRAME.heartbeat, 1, NOTHING), codes: [505, 501] },
  { title: 'a channel method on channel 0', provoke: ({ client }) => client.connection.send('basic.qos'), codes: [503, 504, 505] },
  { title: 'channel.open on channel 0', provoke: ({ client }) => client.connection.send('channel.open'), codes: [503, 504, 505] },
  {
    title: 'a connection method on a channel',
    provoke: ({ channel }) => channel.send('connection.open', { virtualHost: '/' }),
    codes: [503, 504, 505, 540],
  },
  { title: 'a second connection.open', provoke: ({ client }) => client.connection.send('connection.open'), codes: [503, 504] },
  { title: 'a body without a method', provoke: ({ client }) => client.sendFrame(FRAME.body, 1, Buffer.from('x')), codes: [505] },
  { title: 'a header without a method', provoke: ({ channel }) => channel.sendHeader(1), codes: [505] },
  {
    title: 'a method where a header is due',
    provoke: ({ channel }) => {
      channel.send('basic.publish', { routingKey: 'k' });
      channel.send('basic.qos');
    },
    codes: [505],
  },
  {
    title: 'a body where a header is due',
    provoke: ({ channel, client }) => {
      channel.send('basic.publish', { routingKey: 'k' });
      client.sendFrame(FRAME.body, 1, Buffer.from('x'));
    },
    codes: [505],
  },
  {
    title: 'a header of another class',
    provoke: ({ channel }) => {
      channel.send('basic.publish', { routingKey: 'k' });
      channel.sendHeader(1, short(0), 50);
    },
    codes: [505],
  },
  {
    title: 'a method where a body is due',
    provoke: ({ channel, client }) => {
      channel.send('basic.publish', { routingKey: 'k' });
      channel.sendHeader(10);
      client.sendFrame(FRAME.body, 1, Buffer.from('short'));
      channel.send('basic.qos');
    },
    codes: [505],
  },
  {
    title: 'an unknown method',
    provoke: ({ client }) => client.sendFrame(FRAME.method, 1, Buffer.concat([short(60), short(999)])),
    codes: [0, 501, 502, 503, 540],
  },
  {
    title: 'an unknown class',
    provoke: ({ client }) => client.sendFrame(FRAME.method, 1, Buffer.concat([short(999), short(10)])),
    codes: [0, 501, 502, 503, 540],
  },
  { title: 'a method frame without a method', provoke: ({ client }) => client.sendFrame(FRAME.method, 1, Buffer.of(0)), codes: [0, 501, 502] },
  {
    title: 'arguments cut short',
    provoke: ({ client }) => client.sendFrame(FRAME.method, 1, Buffer.concat([short(50), short(10), short(0), Buffer.of(200, 65)])),
    codes: [0, 501, 502],
  },
  {
    title: 'a table of an unknown type',
    provoke: ({ client }) => {
      const fields = Buffer.concat([short(0), shortstr(freshName('table')), Buffer.of(0), longstr(Buffer.concat([shortstr('a'), Buffer.from('?')]))]);
      client.sendFrame(FRAME.method, 1, Buffer.concat([short(50), short(10), fields]));
    },
    codes: [0, 501, 502, 541],
  },
  {
    title: 'a table longer than its frame',
    provoke: ({ client }) => {
      const fields = Buffer.concat([short(0), shortstr(freshName('table')), Buffer.of(0), long(1_000), shortstr('a')]);
      client.sendFrame(FRAME.method, 1, Buffer.concat([short(50), short(10), fields]));
    },
    codes: [0, 501, 502, 541],
  },
];

for (const { title, provoke, codes } of ROWS) {
  test(title, async (scene) => {
    provoke(scene);
    const code = await closeCode(scene);
    assert.ok(codes.includes(code), `closed with ${code}, not one of ${codes.join()}`);
    await brokerAlive(scene);
  });
}

test('a body longer than announced is refused', async (scene) => {
  const { channel, client } = scene;
  const queue = await scene.sharedQueue();
  channel.send('basic.publish', { routingKey: queue });
  channel.sendHeader(3);
  client.sendFrame(FRAME.body, 1, Buffer.from('abcdef'));
  channel.send('basic.qos');
  // RabbitMQ waits for the end of the body that it overlooked and refuses the next method, with 505.
  const code = await closeCode(scene);
  assert.ok([501, 505].includes(code), `closed with ${code}`);
  const probe = await (await scene.connect()).openChannel();
  probe.send('basic.get', { queue });
  await probe.expect('basic.get-empty');
});

test('what follows a refused frame is not carried out', async (scene) => {
  const queue = freshName('after');
  scene.client.sendFrame(9, 1, NOTHING);
  scene.channel.send('queue.declare', { queue });
  assert.is.not(await closeCode(scene), 200);
  const probe = await (await scene.connect()).openChannel();
  probe.send('queue.declare', { queue, passive: true });
  assert.is((await probe.refused()).code, 404);
});

run();
