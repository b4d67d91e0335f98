/** The priority of a stored message is found behind whatever other properties it has. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PropertyFlag } from '../../../src/amqp/content-header.ts';
import { FRAME_HEADER_SIZE } from '../../../src/amqp/frame.ts';
import { priorityOf } from '../../../src/amqp/message-priority.ts';
import { HEADER_SIZE, KEY_SIZE, headerFrameOffset } from '../../../src/amqp/stored-message.ts';

const test = suite('priority of a message');

const KEY_BYTES = 9;

/** The priority of a message whose content header has these flags and properties. */
function priorityWith(flags: number, properties: Buffer): number {
  const arena = new SharedArrayBuffer(4096);
  const ints = new Int32Array(arena);
  const bytes = Buffer.from(arena);
  const address = 3;
  const record = address * 16;
  const header = Buffer.concat([Buffer.of(0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, flags >>> 8, flags & 0xff), properties]);
  ints[record / 4 + KEY_SIZE] = KEY_BYTES;
  ints[record / 4 + HEADER_SIZE] = header.length;
  bytes.set(header, record + headerFrameOffset(KEY_BYTES) + FRAME_HEADER_SIZE);
  return priorityOf({ intsOf: () => ints, byteOffsetOf: (at) => at * 16, bytesOf: () => bytes }, address);
}

const { contentType, headers, deliveryMode, priority, correlationId } = PropertyFlag;

test('none counts as 0', () => {
  assert.is(priorityWith(0, Buffer.alloc(0)), 0);
  assert.is(priorityWith(deliveryMode | correlationId, Buffer.of(2, 1, 0x61)), 0);
});

test('any octet is one', () => {
  for (const octet of [0, 1, 9, 128, 255]) assert.is(priorityWith(priority, Buffer.of(octet)), octet);
});

test('it stands behind type, headers and delivery mode', () => {
  const before = Buffer.concat([Buffer.from('\x04text'), Buffer.of(0, 0, 0, 3, 1, 0x61, 0x56), Buffer.of(2)]);
  assert.is(priorityWith(contentType | headers | deliveryMode | priority | correlationId, Buffer.concat([before, Buffer.of(7, 1, 0x61)])), 7);
});

test.run();
