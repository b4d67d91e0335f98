import { createRequire } from 'node:module';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isAmqpError, type AmqpError } from '../../../src/amqp/amqp-error.ts';
import { FRAME_HEADER_SIZE } from '../../../src/amqp/frame.ts';
import { decodeMethod, encodeMethodFrame, methodIdOf, methodName } from '../../../src/amqp/method-codec.ts';
import { METHODS, type Method, type MethodName } from '../../../src/amqp/method-table.ts';

const test = suite('method codec');

function decode(...payload: readonly number[]): Method | AmqpError {
  return decodeMethod(Buffer.from(payload), 0, payload.length);
}

function failure(...payload: readonly number[]): AmqpError {
  const result = decode(...payload);
  if (!isAmqpError(result)) throw new Error(`decoded ${result.name}`);
  return result;
}

function reread(method: Method): Method | AmqpError {
  const frame = encodeMethodFrame(1, method);
  return decodeMethod(frame, FRAME_HEADER_SIZE, frame.length - 1);
}

test('a publish is read field by field', () => {
  assert.equal(decode(0, 60, 0, 40, 9, 9, 1, 120, 2, 114, 107, 0b01), {
    name: 'basic.publish',
    exchange: 'x',
    routingKey: 'rk',
    mandatory: true,
    immediate: false,
  });
});

test('a whole frame is written', () => {
  const frame = encodeMethodFrame(258, { name: 'basic.nack', deliveryTag: 5, multiple: false, requeue: true });
  assert.equal([...frame], [1, 1, 2, 0, 0, 0, 13, 0, 60, 0, 120, 0, 0, 0, 0, 0, 0, 0, 5, 0b10, 0xce]);
});

test('a method cut short, and one with octets left over, cannot be decoded', () => {
  assert.equal(failure(0, 60, 0, 80, 0, 0, 0, 1), {
    code: 501,
    text: 'FRAME_ERROR - cannot decode <<0,0,0,1>>',
    classId: 60,
    methodId: 80,
    hard: true,
  });
  assert.is(failure(0, 20, 0, 41, 7).text, 'FRAME_ERROR - cannot decode <<7>>');
  assert.is(failure(0, 60, 0).code, 501);
  assert.is(failure().code, 501);
  assert.is(failure(0, 60, 0, 40, 0, 0, 255, 120).code, 501);
});

test('an unknown method names itself', () => {
  assert.equal(failure(0, 60, 0, 99), { code: 503, text: 'COMMAND_INVALID - unimplemented method', classId: 60, methodId: 99, hard: true });
});

test('a short string that is not UTF-8 is refused', () => {
  const refused = failure(0, 50, 0, 11, 1, 0xff, 0, 0, 0, 0, 0, 0, 0, 0);
  assert.is(refused.text, 'FRAME_ERROR - Malformed UTF-8 in shortstr');
  assert.is(refused.classId, 50);
});

test('a replacement character that was sent as such is a name like any other', () => {
  assert.equal(reread({ name: 'basic.cancel-ok', consumerTag: '\ufffd' }), { name: 'basic.cancel-ok', consumerTag: '\ufffd' });
});

test('a delivery tag beyond what a number holds closes the channel alone', () => {
  const refused = failure(0, 60, 0, 80, 0, 32, 0, 0, 0, 0, 0, 0, 0);
  assert.equal(refused, {
    code: 406,
    text: 'PRECONDITION_FAILED - unknown delivery tag 9007199254740992',
    classId: 60,
    methodId: 80,
    hard: false,
  });
  assert.equal(decode(0, 60, 0, 80, 0, 31, 255, 255, 255, 255, 255, 255, 1), {
    name: 'basic.ack',
    deliveryTag: Number.MAX_SAFE_INTEGER,
    multiple: true,
  });
});

test('a broken table blames the method that brought it', () => {
  // queue.declare with an argument of type Z
  const refused = failure(0, 50, 0, 10, 0, 0, 0, 0, 0, 0, 0, 3, 1, 97, 90);
  assert.equal([refused.code, refused.classId, refused.methodId, refused.hard], [502, 50, 10, true]);
});

test('S5: a text of 256 octets is never cut into a frame', () => {
  assert.throws(() => encodeMethodFrame(1, { name: 'basic.cancel-ok', consumerTag: 'a'.repeat(256) }), /256 octets/);
  assert.throws(() => encodeMethodFrame(1, { name: 'basic.cancel-ok', consumerTag: '\u20ac'.repeat(86) }), /258 octets/);
});

test('a reply text is cut at a character', () => {
  const close = (replyText: string): string => {
    const method = reread({ name: 'channel.close', replyCode: 404, replyText, classId: 0, methodId: 0 });
    return 'replyText' in method ? method.replyText : '';
  };
  assert.is(close('a'.repeat(255)), 'a'.repeat(255));
  assert.is(close('a'.repeat(256)), `${'a'.repeat(252)}...`);
  assert.is(close('\u20ac'.repeat(100)), `${'\u20ac'.repeat(84)}...`);
  assert.is(close(`a${'\u20ac'.repeat(100)}`), `a${'\u20ac'.repeat(83)}...`);
  assert.is(close(`ab${'\u{1f600}'.repeat(100)}`), `ab${'\u{1f600}'.repeat(62)}...`);
});

test('a row of bits ends at a field of another type', () => {
  const frame = encodeMethodFrame(1, {
    name: 'basic.deliver',
    consumerTag: 'c',
    deliveryTag: 2 ** 33,
    redelivered: true,
    exchange: '',
    routingKey: 'q',
  });
  assert.equal([...frame.subarray(11, -1)], [1, 99, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 1, 113]);
});

type ClientField = { readonly type: string; readonly name: string };
type ClientMethod = { readonly classId?: number; readonly methodId?: number; readonly args: readonly ClientField[] };

test('the table agrees with the one that a widely used client was generated from', () => {
  const definitions = createRequire(import.meta.url)('../../../node_modules/amqplib/lib/defs.js') as Record<string, ClientMethod>;
  const client = new Map<string, string>();
  for (const entry of Object.values(definitions)) {
    if (entry?.args === undefined || entry.classId === undefined) continue;
    client.set(`${entry.classId}.${entry.methodId}`, entry.args.map((field) => field.type).join(' '));
  }
  const ours = new Map<string, string>();
  for (const { classId, methodId, fields } of Object.values(METHODS)) ours.set(`${classId}.${methodId}`, Object.values(fields).join(' '));
  assert.is(client.size, 66);
  assert.equal([...ours].sort(), [...client].sort());
});

test('numbers and names find each other', () => {
  for (const name of Object.keys(METHODS) as MethodName[]) {
    const { classId, methodId } = methodIdOf(name);
    assert.is(methodName(classId, methodId), name);
  }
  assert.is(methodName(60, 99), undefined);
});

test.run();
