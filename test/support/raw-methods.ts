import type { FieldsOf, Layout } from './raw-bytes.ts';

/** Class, method and argument layout of every method the raw client speaks, copied from the AMQP 0-9-1 specification. */
export const METHODS = {
  'connection.start': [10, 10, { versionMajor: 'o', versionMinor: 'o', serverProperties: 'T', mechanisms: 'S', locales: 'S' }],
  'connection.start-ok': [10, 11, { clientProperties: 'T', mechanism: '$', response: 'S', locale: '$' }],
  'connection.tune': [10, 30, { channelMax: 's', frameMax: 'l', heartbeat: 's' }],
  'connection.tune-ok': [10, 31, { channelMax: 's', frameMax: 'l', heartbeat: 's' }],
  'connection.open': [10, 40, { virtualHost: '$', reserved1: '$', reserved2: 'b' }],
  'connection.open-ok': [10, 41, { knownHosts: '$' }],
  'connection.close': [10, 50, { replyCode: 's', replyText: '$', classId: 's', methodId: 's' }],
  'connection.close-ok': [10, 51, {}],
  'connection.blocked': [10, 60, { reason: '$' }],
  'connection.unblocked': [10, 61, {}],
  'connection.update-secret': [10, 70, { newSecret: 'S', reason: '$' }],
  'connection.update-secret-ok': [10, 71, {}],
  'channel.open': [20, 10, { reserved1: '$' }],
  'channel.open-ok': [20, 11, { reserved1: 'S' }],
  'channel.flow': [20, 20, { active: 'b' }],
  'channel.flow-ok': [20, 21, { active: 'b' }],
  'channel.close': [20, 40, { replyCode: 's', replyText: '$', classId: 's', methodId: 's' }],
  'channel.close-ok': [20, 41, {}],
  'access.request': [30, 10, { realm: '$', exclusive: 'b', passive: 'b', active: 'b', write: 'b', read: 'b' }],
  'access.request-ok': [30, 11, { ticket: 's' }],
  'exchange.declare': [
    40,
    10,
    { ticket: 's', exchange: '$', type: '$', passive: 'b', durable: 'b', autoDelete: 'b', internal: 'b', nowait: 'b', arguments: 'T' },
  ],
  'exchange.declare-ok': [40, 11, {}],
  'exchange.delete': [40, 20, { ticket: 's', exchange: '$', ifUnused: 'b', nowait: 'b' }],
  'exchange.delete-ok': [40, 21, {}],
  'exchange.bind': [40, 30, { ticket: 's', destination: '$', source: '$', routingKey: '$', nowait: 'b', arguments: 'T' }],
  'exchange.bind-ok': [40, 31, {}],
  'exchange.unbind': [40, 40, { ticket: 's', destination: '$', source: '$', routingKey: '$', nowait: 'b', arguments: 'T' }],
  'exchange.unbind-ok': [40, 51, {}],
  'queue.declare': [
    50,
    10,
    { ticket: 's', queue: '$', passive: 'b', durable: 'b', exclusive: 'b', autoDelete: 'b', nowait: 'b', arguments: 'T' },
  ],
  'queue.declare-ok': [50, 11, { queue: '$', messageCount: 'l', consumerCount: 'l' }],
  'queue.bind': [50, 20, { ticket: 's', queue: '$', exchange: '$', routingKey: '$', nowait: 'b', arguments: 'T' }],
  'queue.bind-ok': [50, 21, {}],
  'queue.purge': [50, 30, { ticket: 's', queue: '$', nowait: 'b' }],
  'queue.purge-ok': [50, 31, { messageCount: 'l' }],
  'queue.delete': [50, 40, { ticket: 's', queue: '$', ifUnused: 'b', ifEmpty: 'b', nowait: 'b' }],
  'queue.delete-ok': [50, 41, { messageCount: 'l' }],
  'queue.unbind': [50, 50, { ticket: 's', queue: '$', exchange: '$', routingKey: '$', arguments: 'T' }],
  'queue.unbind-ok': [50, 51, {}],
  'basic.qos': [60, 10, { prefetchSize: 'l', prefetchCount: 's', global: 'b' }],
  'basic.qos-ok': [60, 11, {}],
  'basic.consume': [
    60,
    20,
    { ticket: 's', queue: '$', consumerTag: '$', noLocal: 'b', noAck: 'b', exclusive: 'b', nowait: 'b', arguments: 'T' },
  ],
  'basic.consume-ok': [60, 21, { consumerTag: '$' }],
  'basic.cancel': [60, 30, { consumerTag: '$', nowait: 'b' }],
  'basic.cancel-ok': [60, 31, { consumerTag: '$' }],
  'basic.publish': [60, 40, { ticket: 's', exchange: '$', routingKey: '$', mandatory: 'b', immediate: 'b' }],
  'basic.return': [60, 50, { replyCode: 's', replyText: '$', exchange: '$', routingKey: '$' }],
  'basic.deliver': [60, 60, { consumerTag: '$', deliveryTag: 'L', redelivered: 'b', exchange: '$', routingKey: '$' }],
  'basic.get': [60, 70, { ticket: 's', queue: '$', noAck: 'b' }],
  'basic.get-ok': [60, 71, { deliveryTag: 'L', redelivered: 'b', exchange: '$', routingKey: '$', messageCount: 'l' }],
  'basic.get-empty': [60, 72, { clusterId: '$' }],
  'basic.ack': [60, 80, { deliveryTag: 'L', multiple: 'b' }],
  'basic.reject': [60, 90, { deliveryTag: 'L', requeue: 'b' }],
  'basic.recover-async': [60, 100, { requeue: 'b' }],
  'basic.recover': [60, 110, { requeue: 'b' }],
  'basic.recover-ok': [60, 111, {}],
  'basic.nack': [60, 120, { deliveryTag: 'L', multiple: 'b', requeue: 'b' }],
  'confirm.select': [85, 10, { nowait: 'b' }],
  'confirm.select-ok': [85, 11, {}],
  'tx.select': [90, 10, {}],
  'tx.select-ok': [90, 11, {}],
  'tx.commit': [90, 20, {}],
  'tx.commit-ok': [90, 21, {}],
  'tx.rollback': [90, 30, {}],
  'tx.rollback-ok': [90, 31, {}],
} as const satisfies Record<string, readonly [classId: number, methodId: number, layout: Layout]>;

export type MethodName = keyof typeof METHODS;
export type MethodFields<M extends MethodName> = FieldsOf<(typeof METHODS)[M][2]>;

/** Methods whose answer is the method of the same name ending in `-ok`. */
export type CallName = { [M in MethodName]: `${M}-ok` extends MethodName ? M : never }[MethodName];

/** Methods that a content header follows. */
const CONTENT_METHODS: ReadonlySet<MethodName> = new Set(['basic.publish', 'basic.return', 'basic.deliver', 'basic.get-ok']);

const NAMES = new Map((Object.keys(METHODS) as MethodName[]).map((name) => [METHODS[name].slice(0, 2).join('.'), name]));

/** The method's name, or `class.method` in numbers when this file does not list it. */
export function methodName(classId: number, methodId: number): MethodName | `${number}.${number}` {
  return NAMES.get(`${classId}.${methodId}`) ?? `${classId}.${methodId}`;
}

export function contentful(name: MethodName): boolean {
  return CONTENT_METHODS.has(name);
}
