/** Bodies of every size, and the frames they travel in. */
import * as assert from 'uvu/assert';
import { createHash } from 'node:crypto';
import { conversation } from '../../support/conversation.ts';
import { freshName } from '../../support/fresh-name.ts';
import { frame } from '../../support/raw-channel.ts';

const { test, run } = conversation('body');

/** Bytes without a short period, so that a frame lost, doubled or swapped shows. */
function patterned(sizeBytes: number): Buffer {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  for (let place = 0, state = sizeBytes + 1; place < words.length; place += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[place] = state;
  }
  return Buffer.from(words.buffer, 0, sizeBytes);
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

test('an empty body has no body frame', async ({ channel }) => {
  const queue = await channel.queue(freshName('empty'));
  channel.publish({ routingKey: queue }, '');
  assert.is((await channel.get(queue)).body.length, 0);
});

for (const frameMax of [4096, 8192, 131_072]) {
  test(`sizes around the edge of a frame of ${frameMax} bytes`, async (scene) => {
    const client = await scene.connect({ frameMax });
    const channel = await client.openChannel();
    const queue = await channel.queue(freshName('edge'));
    const full = frameMax - 8;
    for (const size of [1, full - 1, full, full + 1, 2 * full, 2 * full + 1, 5 * full + 7]) {
      const body = patterned(size);
      channel.publish({ routingKey: queue }, body);
      const got = await channel.get(queue);
      assert.is(got.body.length, size);
      assert.is(digest(got.body), digest(body), `${size} bytes`);
    }
    assert.ok(client.frameSizeSeen <= frameMax, `a frame of ${client.frameSizeSeen} bytes came`);
  });
}

test('a body is cut anew for a receiver with smaller frames', async (scene) => {
  const queue = await scene.channel.queue(freshName('smaller'), { exclusive: false, autoDelete: true });
  const small = await scene.connect({ frameMax: 4096 });
  const receiver = await small.openChannel();
  await receiver.consume(queue, { noAck: true });
  const body = patterned(300_000);
  scene.channel.publish({ routingKey: queue }, body);
  assert.is(digest((await receiver.delivery()).body), digest(body));
  assert.ok(small.frameSizeSeen <= 4096, `a frame of ${small.frameSizeSeen} bytes came`);
});

test('a body cut into tiny frames arrives whole', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('tiny'));
  const body = patterned(300);
  channel.send('basic.publish', { routingKey: queue });
  channel.sendHeader(body.length);
  for (let at = 0; at < body.length; at += 3) client.sendFrame(3, 1, body.subarray(at, at + 3));
  assert.is(digest((await channel.get(queue)).body), digest(body));
});

test('an empty body frame between others changes nothing', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('hollow'));
  channel.send('basic.publish', { routingKey: queue });
  channel.sendHeader(4);
  for (const part of ['ab', '', 'cd']) client.sendFrame(3, 1, Buffer.from(part));
  assert.is((await channel.get(queue)).text, 'abcd');
});

test('frames of two channels may be mixed', async ({ channel, client }) => {
  const other = await client.openChannel(2);
  const queues = [await channel.queue(freshName('mixed')), await channel.queue(freshName('mixed'))] as const;
  channel.send('basic.publish', { routingKey: queues[0] });
  other.send('basic.publish', { routingKey: queues[1] });
  channel.sendHeader(4);
  other.sendHeader(2);
  for (const [number, part] of [[1, 'on'], [2, 'tw'], [1, 'e!']] as const) client.sendFrame(3, number, Buffer.from(part));
  assert.is((await channel.get(queues[0])).text, 'one!');
  assert.is((await other.get(queues[1])).text, 'tw');
});

test('a frame may arrive byte by byte', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('slow'));
  channel.send('basic.publish', { routingKey: queue });
  channel.sendHeader(3);
  for (const byte of frame(3, 1, Buffer.from('abc'))) {
    client.write(Buffer.of(byte));
    await new Promise(setImmediate);
  }
  assert.is((await channel.get(queue)).text, 'abc');
});

for (const mebibytes of [1, 20]) {
  test(`${mebibytes} MiB there and back`, async ({ channel }) => {
    // 4.0 refuses more than 16 MiB by default; Leveret's measure is 3.13 and its 128 MiB.
    const queue = await channel.queue(freshName('large'));
    const body = patterned(mebibytes * 1_048_576);
    await channel.consume(queue, { noAck: true });
    channel.publish({ routingKey: queue }, body, { deliveryMode: 2 });
    assert.is(digest((await channel.delivery()).body), digest(body));
  });
}

run();
