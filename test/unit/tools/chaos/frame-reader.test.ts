import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameReader } from '../../../../tools/chaos/frame-reader.ts';
import { FrameType, MethodId, frame, methodFrame, shortString, u8 } from '../../../../bench/client/wire.ts';
import { publishFrames } from '../../../../tools/chaos/message-frames.ts';

const reader = suite('frame reader');
/** The frames that carry a message are the same in both directions; only the method differs. */
function deliverFrames(deliveryTag: number, redelivered: boolean, body: Buffer, frameSizeMax: number): Buffer {
  const tag = Buffer.alloc(8);
  tag.writeBigUInt64BE(BigInt(deliveryTag));
  const method = methodFrame(1, MethodId.basicDeliver, shortString('a tag'), tag, u8(redelivered ? 1 : 0), shortString(''), shortString('queue'));
  const published = publishFrames('queue', body, frameSizeMax);
  return Buffer.concat([method, published.subarray(published.readUInt32BE(3) + 8)]);
}

function read(bytes: Buffer, step: number): string[] {
  const seen: string[] = [];
  const frames = new FrameReader({
    method: (channel, id, fields) => seen.push(`${channel}: ${id.toString(16)} ${fields.toString('hex')}`),
    deliver: ({ deliveryTag, redelivered, body }) => seen.push(`${deliveryTag}${redelivered ? ' again' : ''}: ${body.toString()}`),
  });
  for (let at = 0; at < bytes.length; at += step) frames.push(bytes.subarray(at, at + step));
  return seen;
}

reader('methods and messages come out whole, wherever they are cut', () => {
  const bytes = Buffer.concat([
    methodFrame(1, MethodId.confirmSelectOk),
    deliverFrames(5, false, Buffer.from('one frame'), 4096),
    frame(FrameType.heartbeat, 0, Buffer.alloc(0)),
    deliverFrames(6, true, Buffer.from('in several frames of few bytes'), 15),
    deliverFrames(2 ** 40, false, Buffer.alloc(0), 4096),
    methodFrame(0, MethodId.connectionCloseOk),
  ]);
  const expected = ['1: 55000b ', '5: one frame', '6 again: in several frames of few bytes', `${2 ** 40}: `, '0: a0033 '];
  for (const step of [1, 2, 3, 7, 64, bytes.length]) assert.equal(read(bytes, step), expected, `in steps of ${step}`);
});

reader('what is out of step is refused', () => {
  const good = methodFrame(1, MethodId.confirmSelectOk);
  const noEnd = Buffer.from(good);
  noEnd[noEnd.length - 1] = 0;
  assert.throws(() => read(noEnd, 100), /end octet/);
  const long = Buffer.from(good);
  long.writeUInt32BE(0x7fff_ffff, 3);
  assert.throws(() => read(long, 100), /out of step/);
  assert.throws(() => read(frame(FrameType.body, 1, Buffer.from('x')), 100), /without a method/);
  const delivery = deliverFrames(1, false, Buffer.from('cut short'), 4096);
  assert.throws(() => read(Buffer.concat([delivery.subarray(0, delivery.readUInt32BE(3) + 8), good]), 100), /inside a message/);
});

reader.run();
