/** The times that a stored message carries come out as they went in. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeProperties } from '../../support/raw-properties.ts';
import { expirationMs, notePublished, publishedMs } from '../../../src/amqp/message-times.ts';
import { HEADER_SIZE, KEY_SIZE, headerFrameOffset } from '../../../src/amqp/stored-message.ts';
import { FRAME_HEADER_SIZE } from '../../../src/amqp/frame.ts';

const test = suite('times of a message');

function memoryOf(properties: Parameters<typeof encodeProperties>[0]) {
  const bytes = Buffer.alloc(1024);
  const ints = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const header = Buffer.concat([Buffer.alloc(12), encodeProperties(properties)]);
  ints[KEY_SIZE] = 9;
  ints[HEADER_SIZE] = header.length;
  header.copy(bytes, headerFrameOffset(9) + FRAME_HEADER_SIZE);
  return { intsOf: () => ints, bytesOf: () => bytes, byteOffsetOf: () => 0 };
}

test('the moment of the publish, in whole milliseconds', () => {
  const memory = memoryOf({});
  for (const ms of [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 1_800_000_000_123.75, 2 ** 44 + 7]) {
    notePublished(memory, 1, ms);
    assert.is(publishedMs(memory, 1), Math.floor(ms));
  }
});

test('the expiration, whatever stands around it', () => {
  assert.is(expirationMs(memoryOf({ expiration: '0' }), 1), 0);
  assert.is(expirationMs(memoryOf({ deliveryMode: 2, correlationId: 'c', expiration: '315360000000', messageId: 'm' }), 1), 315_360_000_000);
  assert.is(expirationMs(memoryOf({ messageId: 'm' }), 1), Infinity);
});

test.run();
