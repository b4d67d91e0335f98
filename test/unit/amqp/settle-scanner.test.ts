import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MALFORMED } from '../../../src/amqp/content-header.ts';
import { encodeMethodFrame } from '../../../src/amqp/method-codec.ts';
import type { Method } from '../../../src/amqp/method-table.ts';
import { ACK_KEY, AckBit, NACK_KEY, NackBit, REJECT_KEY, RejectBit, settleBits, settleTag } from '../../../src/amqp/settle-scanner.ts';

const test = suite('settle scanner');
const START = 7;

test('a settle is read in place', () => {
  const settles: readonly [Method, number, number, number][] = [
    [{ name: 'basic.ack', deliveryTag: 2 ** 32, multiple: true }, ACK_KEY, 2 ** 32, AckBit.multiple],
    [{ name: 'basic.ack', deliveryTag: 0, multiple: false }, ACK_KEY, 0, 0],
    [{ name: 'basic.reject', deliveryTag: 7, requeue: true }, REJECT_KEY, 7, RejectBit.requeue],
    [{ name: 'basic.nack', deliveryTag: 2 ** 53 - 1, multiple: false, requeue: true }, NACK_KEY, 2 ** 53 - 1, NackBit.requeue],
    [{ name: 'basic.nack', deliveryTag: 1, multiple: true, requeue: false }, NACK_KEY, 1, NackBit.multiple],
  ];
  for (const [method, key, tag, bits] of settles) {
    const frame = encodeMethodFrame(1, method);
    assert.is(frame.readUInt32BE(START), key);
    assert.is(settleTag(frame, START, frame.length - 1), tag);
    assert.is(settleBits(frame, START), bits);
  }
});

test('a settle of another size, or with a tag beyond exact numbers, is malformed', () => {
  const ack = encodeMethodFrame(1, { name: 'basic.ack', deliveryTag: 1, multiple: true });
  const end = ack.length - 1;
  assert.is(settleTag(ack, START, end - 1), MALFORMED);
  assert.is(settleTag(ack, START, end + 1), MALFORMED);
  ack[START + 5] = 0x20;
  assert.is(settleTag(ack, START, end), MALFORMED);
});

test.run();
