import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ACK_KEY,
  NACK_KEY,
  NackBit,
  PUBLISH_EXCHANGE_OFFSET,
  PUBLISH_KEY,
  publishBits,
  PublishBit,
  publishRoutingKeyOffset,
  settleBits,
  settleTag,
} from '../../../src/amqp/basic-scanner.ts';
import { MALFORMED } from '../../../src/amqp/content-header.ts';
import { encodeMethodFrame } from '../../../src/amqp/method-codec.ts';

const test = suite('basic scanner');
const START = 7;

test('a publish is read in place', () => {
  const frame = encodeMethodFrame(1, { name: 'basic.publish', exchange: 'logs', routingKey: 'a.b', mandatory: false, immediate: true });
  const end = frame.length - 1;
  assert.is(frame.readUInt32BE(START), PUBLISH_KEY);
  assert.is(publishBits(frame, START, end), PublishBit.immediate);
  assert.is(frame.toString('latin1', START + PUBLISH_EXCHANGE_OFFSET, START + PUBLISH_EXCHANGE_OFFSET + 5), '\x04logs');
  const routingKey = publishRoutingKeyOffset(frame, START);
  assert.is(frame.toString('latin1', routingKey, routingKey + 4), '\x03a.b');
});

test('a publish of any other length is malformed', () => {
  const frame = encodeMethodFrame(1, { name: 'basic.publish', exchange: 'x', routingKey: 'k', mandatory: true, immediate: false });
  const end = frame.length - 1;
  for (let cut = START + 4; cut < end; cut++) assert.is(publishBits(frame, START, cut), MALFORMED);
  assert.is(publishBits(frame, START, end + 1), MALFORMED);
  frame[START + PUBLISH_EXCHANGE_OFFSET] = 255;
  assert.is(publishBits(frame, START, end), MALFORMED);
});

test('a settle is read in place', () => {
  const nack = encodeMethodFrame(1, { name: 'basic.nack', deliveryTag: 2 ** 53 - 1, multiple: false, requeue: true });
  assert.is(nack.readUInt32BE(START), NACK_KEY);
  assert.is(settleTag(nack, START, nack.length - 1), 2 ** 53 - 1);
  assert.is(settleBits(nack, START), NackBit.requeue);
  const ack = encodeMethodFrame(1, { name: 'basic.ack', deliveryTag: 2 ** 32, multiple: true });
  assert.is(ack.readUInt32BE(START), ACK_KEY);
  assert.is(settleTag(ack, START, ack.length - 1), 2 ** 32);
  assert.is(settleTag(ack, START, ack.length - 2), MALFORMED);
  ack[START + 4] = 0x80;
  assert.is(settleTag(ack, START, ack.length - 1), MALFORMED);
});

test.run();
