/** What loads are made of: properties, tables, layouts, steps, several channels and routes. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfirmWindow } from '../../../bench/client/confirm-window.ts';
import { encodeTable } from '../../../bench/client/field-table.ts';
import { FrameScanner } from '../../../bench/client/frame-scanner.ts';
import { layOut, routesOf } from '../../../bench/client/layout.ts';
import { encodeProperties } from '../../../bench/client/message-properties.ts';
import { Pacer } from '../../../bench/client/pacer.ts';
import { encodePublish } from '../../../bench/client/publish-wire.ts';
import { StepClock } from '../../../bench/client/step-clock.ts';
import { FrameType, methodFrame, MethodId, settleFrames, shortString, u32, u8 } from '../../../bench/client/wire.ts';
import { decodeProperties } from '../../../src/amqp/basic-properties.ts';
import { PLAIN_LOAD } from '../../../bench/scenario/load.ts';

const test = suite('bench/client/load parts');

test('a table as brokers read it', () => {
  assert.is(encodeTable({ a: 1, b: 'x', c: true }).toString('hex'), ['00000018', '0161', '6c0000000000000001', '0162', '5300000001' + '78', '0163', '7401'].join('').replace('00000018', '00000017'));
  assert.throws(() => encodeTable({ a: 1.5 }), RangeError);
});

test('properties as the broker reads them', () => {
  const given = {
    contentType: 'a', contentEncoding: 'b', headers: { n: 7 }, deliveryMode: 2, priority: 9, correlationId: 'c', replyTo: 'd', expiration: '60', messageId: 'e', timestamp: 11, type: 'f', userId: 'g', appId: 'h', clusterId: 'i',
  };
  const payload = Buffer.concat([Buffer.from('003c00000000000000000000', 'hex'), encodeProperties(given)]);
  const read = decodeProperties(payload, 0, payload.length);
  const headers = 'headers' in read ? read.headers : undefined;
  assert.equal({ ...read, headers: undefined, timestamp: 'timestamp' in read ? Number(read.timestamp) : undefined }, { ...given, headers: undefined });
  assert.match(JSON.stringify([...(headers ?? [])], (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)), /"n".*7/);
  assert.equal(encodeProperties({}), Buffer.alloc(2));
});

test('priorities are drawn from all levels, in messages of one length', () => {
  const { batch, batchMessages, messageBytes } = encodePublish([{ exchange: '', routingKey: 'q' }], { bodyBytes: 1, persistent: false, frameMaxBytes: 4_096, priorities: 3 });
  const levels = new Set<number>();
  for (let index = 0; index < batchMessages; index += 1) {
    const message = batch.subarray(index * messageBytes, (index + 1) * messageBytes);
    // The last byte of the header frame's payload, before its end octet and the body frame of 9 bytes.
    levels.add(message[messageBytes - 9 - 2] as number);
  }
  assert.equal([...levels].sort(), [1, 2, 3]);
});

test('the messages of one producer take its routes in turn, and names must be of one length', () => {
  const routes = ['q1', 'q2'].map((routingKey) => ({ exchange: '', routingKey }));
  const keys: string[] = [];
  const { batch, messageBytes } = encodePublish(routes, { bodyBytes: 4, persistent: false, frameMaxBytes: 4_096, channel: 7 });
  const scanner = new FrameScanner({ method: (channel, id, payload) => keys.push(`${channel} ${id === MethodId.basicPublish} ${payload.toString('latin1', 4, 6)}`) });
  scanner.push(batch, messageBytes * 3);
  assert.equal(keys, ['7 true q1', '7 true q2', '7 true q1']);
  const shape = { bodyBytes: 4, persistent: false, frameMaxBytes: 4_096 };
  assert.throws(() => encodePublish([{ exchange: '', routingKey: 'q' }, ...routes], shape), /of one length/);
});

test('routes are shared out, or taken by several', () => {
  const routes = ['a', 'b', 'c'].map((routingKey) => ({ exchange: '', routingKey }));
  const keys = (index: number, count: number): string => routesOf(routes, index, count).map(({ routingKey }) => routingKey).join('');
  assert.equal([keys(0, 2), keys(1, 2)], ['ac', 'b']);
  assert.equal([0, 1, 2, 3, 4].map((index) => keys(index, 5)), ['a', 'b', 'c', 'a', 'b']);
});

test('each topology publishes somewhere, and somebody consumes what comes of it', () => {
  const fanOut = layOut({ ...PLAIN_LOAD, topology: 'fan-out', queues: 3 });
  assert.equal([fanOut.exchanges.length, fanOut.queues.length, fanOut.bindings.length, fanOut.routes.length, fanOut.subscriptions.length], [1, 3, 3, 1, 3]);
  const expired = layOut({ ...PLAIN_LOAD, topology: 'expired', queueArguments: { 'x-message-ttl': 1_000 } });
  const [dead, first] = expired.queues;
  assert.equal(first?.arguments, { 'x-message-ttl': 1_000, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead?.name });
  assert.equal([expired.routes[0]?.routingKey, expired.subscriptions], [first?.name, [{ queues: [dead?.name] }]]);
  const rejected = layOut({ ...PLAIN_LOAD, topology: 'rejected' });
  assert.equal(rejected.subscriptions.map(({ settling }) => settling), [undefined, 'reject']);
});

test('a refusal is one reject without requeueing for each message', () => {
  const bytes = settleFrames(3, 5, 7, 1, 'reject');
  const seen: string[] = [];
  new FrameScanner({ method: (channel, id, payload) => seen.push(`${channel} ${id === MethodId.basicReject} ${payload.toString('hex')}`) }).push(bytes, bytes.length);
  assert.equal(seen, ['3 true 000000000000000600', '3 true 000000000000000700']);
});

test('the last delivery tag of each channel is known, however they follow each other', () => {
  const delivery = (channel: number, tag: number): Buffer => methodFrame(channel, MethodId.basicDeliver, shortString('c'), u32(0), u32(tag), u8(0), shortString(''), shortString('q'));
  const bytes = Buffer.concat([delivery(1, 10), delivery(2, 7), delivery(2, 8), delivery(1, 11), delivery(3, 1)]);
  for (const size of [bytes.length, 50, 13]) {
    const scanner = new FrameScanner({ method: () => undefined });
    for (let at = 0; at < bytes.length; at += size) scanner.push(bytes.subarray(at, at + size), Math.min(size, bytes.length - at));
    assert.equal([scanner.deliveries, scanner.lastTagOf(1), scanner.lastTagOf(2), scanner.lastTagOf(3), scanner.lastTagOf(4)], [5, 11, 8, 1, 0], `chunks of ${size}`);
  }
  assert.is(bytes[0], FrameType.method);
});

test('values follow each other in time, over and over', () => {
  const clock = new StepClock([{ value: 5, seconds: 1 }, { value: 0, seconds: 2 }]);
  assert.equal([0, 0.9, 1, 2.9, 3, 4.5].map((seconds) => clock.valueAt(seconds * 1e9)), [5, 5, 0, 0, 5, 0]);
  assert.is(clock.positiveFrom(1.5e9), 3e9);
  assert.is(new StepClock([{ value: 0, seconds: 1 }]).positiveFrom(0), Infinity);
});

test('a schedule with changing rates sends each second what that second asks for', () => {
  const pacer = new Pacer(0, 6e9, [{ value: 10, seconds: 1 }, { value: 0, seconds: 1 }, { value: 100, seconds: 1 }]);
  const counts = new Array<number>(6).fill(0);
  for (const dueNs of pacer.take(6e9, 10_000)) (counts[Math.floor(dueNs / 1e9)] as number) += 1;
  assert.equal(counts.map((count) => Math.round(count / 5) * 5), [10, 0, 100, 10, 0, 100]);
  assert.is(pacer.nextNs, undefined);
});

test('the time to each confirm, also when one confirm settles many', () => {
  const times: number[] = [];
  const window = new ConfirmWindow(8, (latencyNs) => times.push(latencyNs));
  window.publish(5);
  window.settle(2, false, false);
  window.settle(4, true, false);
  assert.is(times.length, 4);
  window.settle(4, true, false);
  assert.is(times.length, 4);
  assert.ok(times.every((latencyNs) => latencyNs >= 0 && latencyNs < 1e9));
});

test.run();
