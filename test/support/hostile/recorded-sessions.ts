/** What honest clients send, frame by frame: the material that mutations are made of. */
import { encodeFields, longlong, short } from '../raw-bytes.ts';
import type { LayoutLetter } from '../raw-bytes.ts';
import { FRAME, frame } from '../raw-channel.ts';
import { METHODS } from '../raw-methods.ts';
import type { MethodFields, MethodName } from '../raw-methods.ts';
import { encodeProperties } from '../raw-properties.ts';
import type { RawProperties } from '../raw-properties.ts';
import { table } from '../raw-table.ts';

export const PROTOCOL_HEADER = Buffer.from('AMQP\x00\x00\x09\x01', 'latin1');

export function method<M extends MethodName>(channel: number, name: M, fields: Partial<MethodFields<M>> = {}): Buffer {
  const [classId, methodId, layout] = METHODS[name];
  const payload = encodeFields<Readonly<Record<string, LayoutLetter>>>(layout, fields);
  return frame(FRAME.method, channel, Buffer.concat([short(classId), short(methodId), payload]));
}

export function header(channel: number, bodySize: number | bigint, properties: RawProperties = {}, classId = 60, weight = 0): Buffer {
  const payload = Buffer.concat([short(classId), short(weight), longlong(bodySize), encodeProperties(properties)]);
  return frame(FRAME.header, channel, payload);
}

export function body(channel: number, bytes: Buffer): Buffer {
  return frame(FRAME.body, channel, bytes);
}

export function publish(
  channel: number,
  exchange: string,
  routingKey: string,
  parts: readonly Buffer[] = [],
  properties: RawProperties = {},
  mandatory = false,
): Buffer[] {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  return [
    method(channel, 'basic.publish', { exchange, routingKey, mandatory }),
    header(channel, size, properties),
    ...parts.map((part) => body(channel, part)),
  ];
}

/** The handshake of one that is honest; the first item is no frame but the protocol header. */
export function handshake(channelMax = 2047, frameMax = 131_072): Buffer[] {
  const capabilities = { publisher_confirms: ['t', true], consumer_cancel_notify: ['t', true], authentication_failure_close: ['t', true] } as const;
  return [
    PROTOCOL_HEADER,
    method(0, 'connection.start-ok', {
      clientProperties: table({ product: ['S', 'recorded'], capabilities: ['F', capabilities] }),
      mechanism: 'PLAIN',
      response: Buffer.from('\0guest\0guest'),
      locale: 'en_US',
    }),
    method(0, 'connection.tune-ok', { channelMax, frameMax, heartbeat: 0 }),
    method(0, 'connection.open', { virtualHost: '/' }),
  ];
}

export const GOODBYE: Buffer = method(0, 'connection.close', { replyCode: 200, replyText: 'done' });

const text = (content: string): Buffer => Buffer.from(content);
const open = method(1, 'channel.open');
const close = method(1, 'channel.close', { replyCode: 200, replyText: 'done' });
const declare = (queue: string, fields: Partial<MethodFields<'queue.declare'>> = {}): Buffer => method(1, 'queue.declare', { queue, ...fields });
const RICH: RawProperties = {
  contentType: 'text/plain',
  contentEncoding: 'utf-8',
  headers: table({
    flag: ['t', true],
    tiny: ['b', -1],
    wide: ['l', -1n],
    ratio: ['d', 0.5],
    price: ['D', 2, 1234],
    when: ['T', 1_700_000_000n],
    bytes: ['x', Buffer.from([0, 255])],
    nothing: ['V'],
    list: ['A', [['S', 'one'], ['I', 2], ['F', { inner: ['A', []] }]]],
  }),
  deliveryMode: 2,
  priority: 4,
  correlationId: '7',
  expiration: '60000',
  messageId: 'm-1',
  timestamp: 1_700_000_000,
  type: 'event',
  userId: 'guest',
  appId: 'app',
};

/** The frames between `connection.open` and `connection.close`, by what the session is about. */
export const SESSIONS: Readonly<Record<string, readonly Buffer[]>> = {
  idle: [frame(FRAME.heartbeat, 0, Buffer.alloc(0)), frame(FRAME.heartbeat, 0, Buffer.alloc(0))],
  channels: [open, method(2, 'channel.open'), method(2047, 'channel.open'), method(1, 'channel.flow', { active: true }), close, open, method(2, 'access.request', { realm: '/data' })],
  publish: [open, declare('q1'), ...publish(1, '', 'q1', [text('one')]), ...publish(1, '', 'q1', [text('two')], { deliveryMode: 2 }), ...publish(1, '', 'q1')],
  split: [open, declare('q1', { durable: true }), ...publish(1, '', 'q1', [text('aaaa'), text('bb'), text('cccccc')], RICH), ...publish(1, '', 'nobody', [text('back')], RICH, true)],
  large: [open, declare('q2'), ...publish(1, '', 'q2', [Buffer.alloc(5000, 1), Buffer.alloc(3000, 2)]), ...publish(1, '', 'q2', [Buffer.alloc(20_000, 3)], { deliveryMode: 2 })],
  confirms: [open, declare('q1'), method(1, 'confirm.select'), ...publish(1, '', 'q1', [text('x')]), ...publish(1, '', 'q1', [text('y')], RICH), ...publish(1, '', 'missing', [text('z')], {}, true)],
  transaction: [
    open,
    declare('q1'),
    method(1, 'tx.select'),
    ...publish(1, '', 'q1', [text('held')]),
    ...publish(1, '', 'none', [text('held')], {}, true),
    method(1, 'tx.commit'),
    method(1, 'basic.get', { queue: 'q1' }),
    method(1, 'basic.ack', { deliveryTag: 1 }),
    ...publish(1, '', 'q1', [text('dropped')]),
    method(1, 'tx.rollback'),
    method(1, 'tx.commit'),
  ],
  consume: [
    open,
    declare('q1', { autoDelete: true }),
    method(1, 'basic.qos', { prefetchCount: 2 }),
    method(1, 'basic.consume', { queue: 'q1', consumerTag: 'c1', arguments: table({ 'x-priority': ['I', 5] }) }),
    ...publish(1, '', 'q1', [text('1')]),
    ...publish(1, '', 'q1', [text('2')], RICH),
    ...publish(1, '', 'q1', [text('3')]),
    method(1, 'basic.ack', { deliveryTag: 1 }),
    method(1, 'basic.nack', { deliveryTag: 2, multiple: true, requeue: true }),
    method(1, 'basic.cancel', { consumerTag: 'c1' }),
  ],
  automatic: [open, declare('', { exclusive: true }), method(1, 'basic.consume', { noAck: true }), ...publish(1, 'amq.fanout', 'k', [text('n')]), method(1, 'queue.bind', { exchange: 'amq.fanout' }), ...publish(1, 'amq.fanout', 'k', [text('y')])],
  recover: [open, declare('q1'), ...publish(1, '', 'q1', [text('r')]), method(1, 'basic.qos', { prefetchCount: 1, global: true }), method(1, 'basic.consume', { queue: 'q1' }), method(1, 'basic.recover', { requeue: true }), method(1, 'basic.recover-async', { requeue: true }), method(1, 'basic.reject', { deliveryTag: 1 })],
  get: [open, declare('q1'), ...publish(1, '', 'q1', [text('g')], RICH), method(1, 'basic.get', { queue: 'q1', noAck: true }), method(1, 'basic.get', { queue: 'q1' }), method(1, 'queue.purge', { queue: 'q1' }), method(1, 'queue.delete', { queue: 'q1', ifEmpty: true })],
  exchanges: [
    open,
    method(1, 'exchange.declare', { exchange: 'e1', type: 'topic', autoDelete: true }),
    method(1, 'exchange.declare', { exchange: 'e2', type: 'direct', arguments: table({ 'alternate-exchange': ['S', 'amq.fanout'] }) }),
    method(1, 'exchange.bind', { source: 'e1', destination: 'e2', routingKey: 'a.#' }),
    declare('q3', { arguments: table({ 'x-max-length': ['I', 2], 'x-overflow': ['S', 'reject-publish'] }) }),
    method(1, 'queue.bind', { queue: 'q3', exchange: 'e2', routingKey: 'a.b' }),
    ...publish(1, 'e1', 'a.b', [text('t')]),
    ...publish(1, 'e1', 'a.b', [text('t')], { headers: table({ CC: ['A', [['S', 'a.c']]], BCC: ['A', [['S', 'a.d']]] }) }),
    method(1, 'queue.unbind', { queue: 'q3', exchange: 'e2', routingKey: 'a.b' }),
    method(1, 'exchange.unbind', { source: 'e1', destination: 'e2', routingKey: 'a.#' }),
    method(1, 'exchange.delete', { exchange: 'e2', ifUnused: true }),
  ],
  headers: [
    open,
    declare('q4'),
    method(1, 'queue.bind', { queue: 'q4', exchange: 'amq.headers', arguments: table({ 'x-match': ['S', 'any'], k: ['S', 'v'], n: ['V'] }) }),
    ...publish(1, 'amq.headers', '', [text('h')], { headers: table({ k: ['S', 'v'] }) }),
    ...publish(1, 'amq.headers', '', [text('h')], RICH),
    method(1, 'queue.delete', { queue: 'q4' }),
  ],
  replies: [
    open,
    method(1, 'basic.consume', { queue: 'amq.rabbitmq.reply-to', consumerTag: 'r', noAck: true }),
    declare('q1'),
    ...publish(1, '', 'q1', [text('question')], { replyTo: 'amq.rabbitmq.reply-to', correlationId: '1' }),
    ...publish(1, '', 'amq.rabbitmq.reply-to.1.1.AAAAAAAAAAAAAAAAAAAAAA', [text('answer')]),
    declare('amq.rabbitmq.reply-to.1.1.AAAAAAAAAAAAAAAAAAAAAA', { passive: true }),
  ],
  exclusive: [open, declare('mine', { exclusive: true, arguments: table({ 'x-expires': ['I', 60_000], 'x-message-ttl': ['I', 1000] }) }), method(1, 'basic.consume', { queue: 'mine', exclusive: true }), ...publish(1, '', 'mine', [text('m')]), declare('sac', { arguments: table({ 'x-single-active-consumer': ['t', true] }) }), method(1, 'basic.consume', { queue: 'sac' }), method(1, 'basic.consume', { queue: 'sac' })],
  silent: [open, declare('q1', { nowait: true }), method(1, 'basic.consume', { queue: 'q1', consumerTag: 'n', nowait: true }), method(1, 'queue.bind', { queue: 'q1', exchange: 'amq.direct', routingKey: 'k', nowait: true }), ...publish(1, 'amq.direct', 'k', [text('n')]), method(1, 'basic.cancel', { consumerTag: 'n', nowait: true }), method(1, 'queue.purge', { queue: 'q1', nowait: true }), method(1, 'confirm.select', { nowait: true })],
  secret: [method(0, 'connection.update-secret', { newSecret: Buffer.from('guest'), reason: 'token' }), open],
  two: [open, method(2, 'channel.open'), declare('q1'), method(1, 'basic.publish', { routingKey: 'q1' }), method(2, 'basic.publish', { routingKey: 'q1' }), header(2, 4), header(1, 6), body(1, text('abc')), body(2, text('wxyz')), body(1, text('def')), close],
};
