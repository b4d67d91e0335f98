import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameScanner } from '../../../bench/client/frame-scanner.ts';
import { encodePublish, stampedMessages } from '../../../bench/client/publish-wire.ts';
import { settleFrames, MethodId } from '../../../bench/client/wire.ts';

const test = suite('bench/client/wire');

test('one ack for each step, up to the tag', () => {
  const seen: string[] = [];
  const bytes = settleFrames(1, 100, 400, 100);
  new FrameScanner({ method: (channel, id, payload) => seen.push(`${channel} ${id} ${payload.toString('hex')}`) }).push(bytes, bytes.length);
  const ack = (tag: string): string => `1 ${MethodId.basicAck} ${tag}01`;
  assert.equal(seen, [ack('00000000000000c8'), ack('000000000000012c'), ack('0000000000000190')]);
  assert.is(settleFrames(1, 2 ** 33, 2 ** 33 + 1, 1).toString('hex', 11, 19), '0000000200000001');
});

test('a batch is whole messages, each with its publish, header and body', () => {
  const { batch, batchMessages, messageBytes } = encodePublish([{ exchange: '', routingKey: 'q' }], { bodyBytes: 3, persistent: true, frameMaxBytes: 131_072 });
  assert.is(batch.length, batchMessages * messageBytes);
  const publish = '0100010000000a003c0028000000017100ce';
  const header = '0200010000000f003c00000000000000000003100002ce';
  assert.is(batch.subarray(0, messageBytes).toString('hex'), `${publish}${header}0300010000000378787` + '8ce');
  assert.equal(batch.subarray(-messageBytes), batch.subarray(0, messageBytes));
});

test('a body above the frame size is cut into frames', () => {
  const { messageBytes } = encodePublish([{ exchange: '', routingKey: 'q' }], { bodyBytes: 10_000, persistent: false, frameMaxBytes: 4_096 });
  const { messageBytes: empty } = encodePublish([{ exchange: '', routingKey: 'q' }], { bodyBytes: 0, persistent: false, frameMaxBytes: 4_096 });
  assert.is(messageBytes - empty, 10_000 + 3 * 8);
});

test('each message carries the time at which it was due', () => {
  const wire = encodePublish([{ exchange: '', routingKey: 'q' }], { bodyBytes: 100, persistent: false, frameMaxBytes: 131_072 });
  const times: number[] = [];
  const bytes = stampedMessages(wire, [11, 22.5, 33]);
  new FrameScanner({ method: () => undefined, sentAt: (timeNs) => times.push(timeNs) }).push(bytes, bytes.length);
  assert.equal(times, [11, 22.5, 33]);
});

test.run();
