import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EMPTY_TABLE, type FieldTable } from '../../../src/broker/field-table.ts';
import { refuse } from '../../../src/broker/refusal.ts';
import { amqpError } from '../../../src/amqp/amqp-error.ts';
import { AUTH_ROUNDS_MAX, INITIAL_FRAME_MAX, PRE_AUTH_BYTES_MAX, SILENT_CLOSE_DELAY_MS } from '../../../src/amqp/bounds.ts';
import { serverProperties } from '../../../src/amqp/connection-properties.ts';
import { Handshake } from '../../../src/amqp/handshake.ts';
import type { HandshakePort, OpenedConnection } from '../../../src/amqp/handshake-port.ts';
import { decodeMethod, encodeMethodFrame } from '../../../src/amqp/method-codec.ts';
import type { Method } from '../../../src/amqp/method-table.ts';
import { DEFAULT_TUNING } from '../../../src/amqp/tuning.ts';

const test = suite('handshake');

/** Writes down what the machine does, one line each. */
class RecordingPort implements HandshakePort {
  readonly lines: string[] = [];
  readonly sent: Method[] = [];
  connection: OpenedConnection | undefined;

  send(method: Method): void {
    this.sent.push(method);
    this.lines.push(`send ${method.name}`);
  }
  sendBytes(bytes: Uint8Array): void {
    this.lines.push(`bytes ${Buffer.from(bytes).toString('latin1')}`);
  }
  authenticate({ mechanism, response, credentials }: Parameters<HandshakePort['authenticate']>[0]): void {
    const password = Buffer.from(credentials?.password ?? response).toString();
    this.lines.push(`authenticate ${mechanism} ${credentials?.username ?? '-'} ${password}`);
  }
  openVhost(username: string, virtualHost: string): void {
    this.lines.push(`vhost ${virtualHost} for ${username}`);
  }
  close(error: { code: number; text: string; classId: number; methodId: number; hard: boolean }): void {
    this.lines.push(`close ${error.code} ${error.classId}.${error.methodId} ${error.text}${error.hard ? '' : ' (soft)'}`);
  }
  drop(reason: string, delayMs: number): void {
    this.lines.push(`drop ${delayMs} ${reason}`);
  }
  opened(connection: OpenedConnection): void {
    this.connection = connection;
    this.lines.push('opened');
  }
  /** The lines since the last call. */
  take(): string[] {
    return this.lines.splice(0);
  }
}

const HEADER = Buffer.from('AMQP\0\0\x09\x01', 'latin1');
const CAPABLE: FieldTable = new Map([
  ['capabilities', { type: 'F', value: new Map([['authentication_failure_close', { type: 't', value: true }]]) }],
]);

function startOk(response: string, mechanism = 'PLAIN', clientProperties: FieldTable = EMPTY_TABLE): Method {
  return { name: 'connection.start-ok', clientProperties, mechanism, response: new Uint8Array(Buffer.from(response, 'latin1')), locale: 'en_US' };
}
const tuneOk = (channelMax = 2047, frameMax = 131072, heartbeat = 60): Method => ({ name: 'connection.tune-ok', channelMax, frameMax, heartbeat });
const open = (virtualHost = '/'): Method => ({ name: 'connection.open', virtualHost });

type Stage = 'header' | 'starting' | 'securing' | 'tuning' | 'opening' | 'vhost' | 'running';

/** A handshake that has come as far as `stage`, with a fresh record. */
function begin(stage: Stage, clientProperties: FieldTable = EMPTY_TABLE): { handshake: Handshake; port: RecordingPort } {
  const port = new RecordingPort();
  const handshake = new Handshake(port, {
    serverProperties: serverProperties({ version: '0.1.0', platform: 'Node.js', clusterName: 'leveret@host' }),
    mechanisms: ['PLAIN', 'AMQPLAIN', 'CHALLENGE'],
    tuning: DEFAULT_TUNING,
  });
  const steps: readonly [Stage, () => void][] = [
    ['header', () => undefined],
    ['starting', () => handshake.receiveHeader(HEADER)],
    ['securing', () => handshake.receiveMethod(startOk('\0guest\0secret', 'PLAIN', clientProperties))],
    ['tuning', () => handshake.authenticated({ kind: 'accepted', username: 'guest' })],
    ['opening', () => handshake.receiveMethod(tuneOk())],
    ['vhost', () => handshake.receiveMethod(open())],
    ['running', () => handshake.vhostOpened()],
  ];
  for (const [reached, step] of steps) {
    step();
    if (reached === stage) break;
  }
  port.take();
  return { handshake, port };
}

test('a connection comes about', () => {
  const { handshake, port } = begin('header');
  handshake.receiveHeader(HEADER);
  assert.equal(port.take(), ['send connection.start']);
  handshake.receiveMethod(startOk('\0guest\0secret'));
  assert.equal(port.take(), ['authenticate PLAIN guest secret']);
  assert.is(handshake.holdsInput, true);
  handshake.authenticated({ kind: 'accepted', username: 'guest' });
  assert.equal(port.take(), ['send connection.tune']);
  assert.equal(port.sent.at(-1), { name: 'connection.tune', channelMax: 2047, frameMax: 131072, heartbeat: 60 });
  assert.is(handshake.frameMax, INITIAL_FRAME_MAX);
  handshake.receiveMethod(tuneOk(100, 8192, 0));
  assert.is(handshake.frameMax, 8192);
  handshake.receiveMethod(open('/shop'));
  assert.equal(port.take(), ['vhost /shop for guest']);
  assert.is(handshake.holdsInput, true);
  handshake.vhostOpened();
  assert.equal(port.take(), ['send connection.open-ok', 'opened']);
  assert.is(handshake.state, 'running');
  assert.is(handshake.holdsInput, false);
  assert.equal(port.connection, {
    username: 'guest',
    virtualHost: '/shop',
    mechanism: 'PLAIN',
    clientProperties: EMPTY_TABLE,
    channelMax: 100,
    frameMax: 8192,
    heartbeatSeconds: 0,
  });
});

test('connection.start can be written and names what is offered', () => {
  const { handshake, port } = begin('header');
  handshake.receiveHeader(HEADER);
  const frame = encodeMethodFrame(0, port.sent[0]!);
  assert.ok(frame.length < INITIAL_FRAME_MAX);
  const start = decodeMethod(frame, 7, frame.length - 1);
  if (!('serverProperties' in start)) throw new Error('not a connection.start');
  assert.is(Buffer.from(start.mechanisms).toString(), 'PLAIN AMQPLAIN CHALLENGE');
  assert.is(Buffer.from(start.locales).toString(), 'en_US');
  assert.equal([start.versionMajor, start.versionMinor], [0, 9]);
  const version = start.serverProperties.get('version');
  assert.is(version?.type === 'S' && Buffer.from(version.value).toString(), '3.13.7');
});

test('another protocol is answered with the one spoken here', () => {
  for (const header of ['AMQP\0\x01\0\0', 'AMQP\x03\x01\0\0', 'AMQP\x01\x01\x08\0', 'AMQP\0\0\x09\0', 'XXXXXXXX', '\0\0\0\0\0\0\0\0']) {
    const { handshake, port } = begin('header');
    handshake.receiveHeader(Buffer.from(header, 'latin1'));
    const [answer, end] = port.take();
    assert.is(answer, 'bytes AMQP\0\0\x09\x01', header);
    assert.match(end ?? '', /^drop 0 /);
    assert.is(handshake.state, 'ended');
  }
});

test('0-9 is taken for 0-9-1', () => {
  const { handshake, port } = begin('header');
  handshake.receiveHeader(Buffer.from('AMQP\x01\x01\0\x09', 'latin1'));
  assert.equal(port.take(), ['send connection.start']);
});

test('HTTP and TLS get no answer', () => {
  for (const header of ['GET / HT', '\x16\x03\x01\x02\0\x01\0\x01']) {
    const { handshake, port } = begin('header');
    handshake.receiveHeader(Buffer.from(header, 'latin1'));
    assert.match(port.take().join(), /^drop 0 [^,]*$/);
  }
});

test('a refused login is told to those who understand it', () => {
  const { handshake, port } = begin('securing', CAPABLE);
  handshake.authenticated({ kind: 'refused', reason: "user 'guest' - invalid credentials" });
  assert.equal(port.take(), [
    'close 403 0.0 ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile.',
  ]);
});

test('a refused login ends in silence for all others', () => {
  const { handshake, port } = begin('securing');
  handshake.authenticated({ kind: 'refused', reason: 'invalid credentials' });
  assert.equal(port.take(), [`drop ${SILENT_CLOSE_DELAY_MS} invalid credentials`]);
});

test('a mechanism that was not offered is refused', () => {
  const { handshake, port } = begin('starting');
  handshake.receiveMethod(startOk('', 'EXTERNAL'));
  assert.equal(port.take(), ["close 503 10.11 COMMAND_INVALID - unknown authentication mechanism 'EXTERNAL'"]);
});

test('S17: a response that cannot be read is refused and not repeated', () => {
  for (const mechanism of ['PLAIN', 'AMQPLAIN']) {
    const { handshake, port } = begin('starting');
    handshake.receiveMethod(startOk('secret-without-form', mechanism));
    assert.equal(port.take(), [`close 502 10.11 SYNTAX_ERROR - ${mechanism} response invalid`]);
  }
});

test('AMQPLAIN carries the same credentials', () => {
  const { handshake, port } = begin('starting');
  handshake.receiveMethod(startOk('\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x06secret', 'AMQPLAIN'));
  assert.equal(port.take(), ['authenticate AMQPLAIN guest secret']);
});

test('a challenge goes back and forth, but not for ever', () => {
  const { handshake, port } = begin('starting');
  handshake.receiveMethod(startOk('one', 'CHALLENGE'));
  for (let round = 1; round < AUTH_ROUNDS_MAX; round++) {
    handshake.authenticated({ kind: 'challenged', challenge: Uint8Array.of(round) });
    assert.is(handshake.holdsInput, false);
    handshake.receiveMethod({ name: 'connection.secure-ok', response: new Uint8Array(Buffer.from('next')) });
  }
  assert.is(port.take().filter((line) => line.startsWith('authenticate')).length, AUTH_ROUNDS_MAX);
  handshake.authenticated({ kind: 'challenged', challenge: Uint8Array.of(9) });
  handshake.receiveMethod({ name: 'connection.secure-ok', response: new Uint8Array(0) });
  assert.equal(port.take(), ['send connection.secure', 'close 502 10.21 SYNTAX_ERROR - CHALLENGE response invalid']);
});

test('limits may be lowered and not raised', () => {
  const refusals: readonly [Method, string][] = [
    [tuneOk(2047, 4095), 'negotiated frame_max = 4095 is lower than the minimum allowed value (4096)'],
    [tuneOk(2047, 131073), 'negotiated frame_max = 131073 is higher than the maximum allowed value (131072)'],
    [tuneOk(2047, 0), 'negotiated frame_max = 0 is higher than the maximum allowed value (131072)'],
    [tuneOk(2048), 'negotiated channel_max = 2048 is higher than the maximum allowed value (2047)'],
    [tuneOk(0), 'negotiated channel_max = 0 (no limit) is higher than the maximum allowed value (2047)'],
  ];
  for (const [method, explanation] of refusals) {
    const { handshake, port } = begin('tuning');
    handshake.receiveMethod(method);
    assert.equal(port.take(), [`close 530 10.30 NOT_ALLOWED - ${explanation}`]);
  }
  const { handshake } = begin('tuning');
  handshake.receiveMethod(tuneOk(1, 4096, 65535));
  assert.is(handshake.state, 'opening');
});

test('a vhost that may not be used closes the connection, whatever its code', () => {
  for (const code of [530, 403] as const) {
    const { handshake, port } = begin('vhost');
    handshake.vhostOpened(refuse(code, 'vhost nowhere not found'));
    assert.match(port.take().join(), /^close (530|403) 10\.40 [A-Z_]+ - vhost nowhere not found$/);
  }
});

test('a method out of turn is refused in each state', () => {
  const outOfTurn: readonly [Stage, Method, string][] = [
    ['starting', open(), '10.40 CHANNEL_ERROR - unexpected method in connection state starting'],
    ['starting', { name: 'connection.secure-ok', response: new Uint8Array(0) }, '10.21 CHANNEL_ERROR - unexpected method in connection state starting'],
    ['securing', tuneOk(), '10.31 CHANNEL_ERROR - unexpected method in connection state securing'],
    ['tuning', startOk('\0a\0b'), '10.11 CHANNEL_ERROR - unexpected method in connection state tuning'],
    ['opening', tuneOk(), '10.31 CHANNEL_ERROR - unexpected method in connection state opening'],
    ['vhost', open(), '10.40 CHANNEL_ERROR - unexpected method in connection state opening'],
  ];
  for (const [stage, method, text] of outOfTurn) {
    const { handshake, port } = begin(stage);
    handshake.receiveMethod(method);
    assert.equal(port.take(), [`close 504 ${text}`], stage);
    handshake.receiveMethod(startOk('\0a\0b'));
    assert.equal(port.take(), [], 'nothing is said after the end');
  }
});

test('octets that are no method close the connection, even for a soft code', () => {
  const { handshake, port } = begin('starting');
  handshake.receiveMethod(amqpError(406, 'x', { classId: 60, methodId: 80 }));
  assert.equal(port.take(), ['close 406 60.80 PRECONDITION_FAILED - x']);
});

test('S2: what a stranger may send is bounded, what a user sends is not', () => {
  const { handshake, port } = begin('starting');
  assert.is(handshake.admitBytes(PRE_AUTH_BYTES_MAX), true);
  assert.is(handshake.admitBytes(1), false);
  assert.match(port.take().join(), /^drop 0 more than 65536 octets/);
  assert.is(handshake.admitBytes(1), false);
  assert.equal(port.take(), []);
  const known = begin('tuning').handshake;
  assert.is(known.admitBytes(PRE_AUTH_BYTES_MAX * 2), true);
});

test('a handshake that takes too long ends, an open connection does not', () => {
  for (const stage of ['header', 'starting', 'securing', 'tuning', 'opening', 'vhost'] as const) {
    const { handshake, port } = begin(stage);
    handshake.timeOut();
    assert.equal(port.take(), ['drop 0 the handshake took too long'], stage);
    handshake.authenticated({ kind: 'accepted', username: 'guest' });
    handshake.vhostOpened();
    assert.equal(port.take(), [], 'late answers are ignored');
  }
  const { handshake, port } = begin('running');
  handshake.timeOut();
  handshake.fail(amqpError(501, 'x'));
  assert.equal(port.take(), []);
});

test.run();
