/**
 * Every method of AMQP 0-9-1 with RabbitMQ's additions, as data: class, number and fields in the order of the wire
 * (amqp0-9-1.extended.xml). The codec, the types and the error texts are derived from this table and from nothing else.
 *
 * Fields whose name begins with `reserved` are on the wire (written as nothing, read and dropped) but not in a `Method`.
 * Bits that stand next to each other share octets, the first in the lowest bit.
 */
import type { FieldTable } from '../broker/field-table.ts';

/** What a field type of the wire is in a `Method`. A longlong is a number that is exact: greater ones are refused. */
type FieldValueOf = {
  octet: number;
  short: number;
  long: number;
  longlong: number;
  bit: boolean;
  shortstr: string;
  longstr: Uint8Array;
  table: FieldTable;
};
export type FieldType = keyof FieldValueOf;

type MethodDescription = {
  readonly classId: number;
  readonly methodId: number;
  readonly fields: { readonly [name: string]: FieldType };
};

const NO_FIELDS = {} as const;
const CLOSE = { replyCode: 'short', replyText: 'shortstr', classId: 'short', methodId: 'short' } as const;
const TUNING = { channelMax: 'short', frameMax: 'long', heartbeat: 'short' } as const;
const EXCHANGE_BINDING = {
  reserved1: 'short',
  destination: 'shortstr',
  source: 'shortstr',
  routingKey: 'shortstr',
  noWait: 'bit',
  arguments: 'table',
} as const;

export const METHODS = {
  'connection.start': {
    classId: 10,
    methodId: 10,
    fields: { versionMajor: 'octet', versionMinor: 'octet', serverProperties: 'table', mechanisms: 'longstr', locales: 'longstr' },
  },
  'connection.start-ok': {
    classId: 10,
    methodId: 11,
    fields: { clientProperties: 'table', mechanism: 'shortstr', response: 'longstr', locale: 'shortstr' },
  },
  'connection.secure': { classId: 10, methodId: 20, fields: { challenge: 'longstr' } },
  'connection.secure-ok': { classId: 10, methodId: 21, fields: { response: 'longstr' } },
  'connection.tune': { classId: 10, methodId: 30, fields: TUNING },
  'connection.tune-ok': { classId: 10, methodId: 31, fields: TUNING },
  'connection.open': { classId: 10, methodId: 40, fields: { virtualHost: 'shortstr', reserved1: 'shortstr', reserved2: 'bit' } },
  'connection.open-ok': { classId: 10, methodId: 41, fields: { reserved1: 'shortstr' } },
  'connection.close': { classId: 10, methodId: 50, fields: CLOSE },
  'connection.close-ok': { classId: 10, methodId: 51, fields: NO_FIELDS },
  'connection.blocked': { classId: 10, methodId: 60, fields: { reason: 'shortstr' } },
  'connection.unblocked': { classId: 10, methodId: 61, fields: NO_FIELDS },
  'connection.update-secret': { classId: 10, methodId: 70, fields: { newSecret: 'longstr', reason: 'shortstr' } },
  'connection.update-secret-ok': { classId: 10, methodId: 71, fields: NO_FIELDS },

  'channel.open': { classId: 20, methodId: 10, fields: { reserved1: 'shortstr' } },
  'channel.open-ok': { classId: 20, methodId: 11, fields: { reserved1: 'longstr' } },
  'channel.flow': { classId: 20, methodId: 20, fields: { active: 'bit' } },
  'channel.flow-ok': { classId: 20, methodId: 21, fields: { active: 'bit' } },
  'channel.close': { classId: 20, methodId: 40, fields: CLOSE },
  'channel.close-ok': { classId: 20, methodId: 41, fields: NO_FIELDS },

  'access.request': {
    classId: 30,
    methodId: 10,
    fields: { realm: 'shortstr', exclusive: 'bit', passive: 'bit', active: 'bit', write: 'bit', read: 'bit' },
  },
  'access.request-ok': { classId: 30, methodId: 11, fields: { ticket: 'short' } },

  'exchange.declare': {
    classId: 40,
    methodId: 10,
    fields: {
      reserved1: 'short',
      exchange: 'shortstr',
      type: 'shortstr',
      passive: 'bit',
      durable: 'bit',
      autoDelete: 'bit',
      internal: 'bit',
      noWait: 'bit',
      arguments: 'table',
    },
  },
  'exchange.declare-ok': { classId: 40, methodId: 11, fields: NO_FIELDS },
  'exchange.delete': { classId: 40, methodId: 20, fields: { reserved1: 'short', exchange: 'shortstr', ifUnused: 'bit', noWait: 'bit' } },
  'exchange.delete-ok': { classId: 40, methodId: 21, fields: NO_FIELDS },
  'exchange.bind': { classId: 40, methodId: 30, fields: EXCHANGE_BINDING },
  'exchange.bind-ok': { classId: 40, methodId: 31, fields: NO_FIELDS },
  'exchange.unbind': { classId: 40, methodId: 40, fields: EXCHANGE_BINDING },
  'exchange.unbind-ok': { classId: 40, methodId: 51, fields: NO_FIELDS },

  'queue.declare': {
    classId: 50,
    methodId: 10,
    fields: {
      reserved1: 'short',
      queue: 'shortstr',
      passive: 'bit',
      durable: 'bit',
      exclusive: 'bit',
      autoDelete: 'bit',
      noWait: 'bit',
      arguments: 'table',
    },
  },
  'queue.declare-ok': { classId: 50, methodId: 11, fields: { queue: 'shortstr', messageCount: 'long', consumerCount: 'long' } },
  'queue.bind': {
    classId: 50,
    methodId: 20,
    fields: { reserved1: 'short', queue: 'shortstr', exchange: 'shortstr', routingKey: 'shortstr', noWait: 'bit', arguments: 'table' },
  },
  'queue.bind-ok': { classId: 50, methodId: 21, fields: NO_FIELDS },
  'queue.purge': { classId: 50, methodId: 30, fields: { reserved1: 'short', queue: 'shortstr', noWait: 'bit' } },
  'queue.purge-ok': { classId: 50, methodId: 31, fields: { messageCount: 'long' } },
  'queue.delete': {
    classId: 50,
    methodId: 40,
    fields: { reserved1: 'short', queue: 'shortstr', ifUnused: 'bit', ifEmpty: 'bit', noWait: 'bit' },
  },
  'queue.delete-ok': { classId: 50, methodId: 41, fields: { messageCount: 'long' } },
  'queue.unbind': {
    classId: 50,
    methodId: 50,
    fields: { reserved1: 'short', queue: 'shortstr', exchange: 'shortstr', routingKey: 'shortstr', arguments: 'table' },
  },
  'queue.unbind-ok': { classId: 50, methodId: 51, fields: NO_FIELDS },

  'basic.qos': { classId: 60, methodId: 10, fields: { prefetchSize: 'long', prefetchCount: 'short', global: 'bit' } },
  'basic.qos-ok': { classId: 60, methodId: 11, fields: NO_FIELDS },
  'basic.consume': {
    classId: 60,
    methodId: 20,
    fields: {
      reserved1: 'short',
      queue: 'shortstr',
      consumerTag: 'shortstr',
      noLocal: 'bit',
      noAck: 'bit',
      exclusive: 'bit',
      noWait: 'bit',
      arguments: 'table',
    },
  },
  'basic.consume-ok': { classId: 60, methodId: 21, fields: { consumerTag: 'shortstr' } },
  'basic.cancel': { classId: 60, methodId: 30, fields: { consumerTag: 'shortstr', noWait: 'bit' } },
  'basic.cancel-ok': { classId: 60, methodId: 31, fields: { consumerTag: 'shortstr' } },
  'basic.publish': {
    classId: 60,
    methodId: 40,
    fields: { reserved1: 'short', exchange: 'shortstr', routingKey: 'shortstr', mandatory: 'bit', immediate: 'bit' },
  },
  'basic.return': {
    classId: 60,
    methodId: 50,
    fields: { replyCode: 'short', replyText: 'shortstr', exchange: 'shortstr', routingKey: 'shortstr' },
  },
  'basic.deliver': {
    classId: 60,
    methodId: 60,
    fields: { consumerTag: 'shortstr', deliveryTag: 'longlong', redelivered: 'bit', exchange: 'shortstr', routingKey: 'shortstr' },
  },
  'basic.get': { classId: 60, methodId: 70, fields: { reserved1: 'short', queue: 'shortstr', noAck: 'bit' } },
  'basic.get-ok': {
    classId: 60,
    methodId: 71,
    fields: { deliveryTag: 'longlong', redelivered: 'bit', exchange: 'shortstr', routingKey: 'shortstr', messageCount: 'long' },
  },
  'basic.get-empty': { classId: 60, methodId: 72, fields: { reserved1: 'shortstr' } },
  'basic.ack': { classId: 60, methodId: 80, fields: { deliveryTag: 'longlong', multiple: 'bit' } },
  'basic.reject': { classId: 60, methodId: 90, fields: { deliveryTag: 'longlong', requeue: 'bit' } },
  'basic.recover-async': { classId: 60, methodId: 100, fields: { requeue: 'bit' } },
  'basic.recover': { classId: 60, methodId: 110, fields: { requeue: 'bit' } },
  'basic.recover-ok': { classId: 60, methodId: 111, fields: NO_FIELDS },
  'basic.nack': { classId: 60, methodId: 120, fields: { deliveryTag: 'longlong', multiple: 'bit', requeue: 'bit' } },

  'confirm.select': { classId: 85, methodId: 10, fields: { noWait: 'bit' } },
  'confirm.select-ok': { classId: 85, methodId: 11, fields: NO_FIELDS },

  'tx.select': { classId: 90, methodId: 10, fields: NO_FIELDS },
  'tx.select-ok': { classId: 90, methodId: 11, fields: NO_FIELDS },
  'tx.commit': { classId: 90, methodId: 20, fields: NO_FIELDS },
  'tx.commit-ok': { classId: 90, methodId: 21, fields: NO_FIELDS },
  'tx.rollback': { classId: 90, methodId: 30, fields: NO_FIELDS },
  'tx.rollback-ok': { classId: 90, methodId: 31, fields: NO_FIELDS },
} as const satisfies { readonly [name: string]: MethodDescription };

export type MethodName = keyof typeof METHODS;

type FieldsOf<N extends MethodName> = (typeof METHODS)[N]['fields'];

/** One method with its fields: `MethodOf<'basic.ack'>` is `{ name: 'basic.ack'; deliveryTag: number; multiple: boolean }`. */
export type MethodOf<N extends MethodName> = { readonly name: N } & {
  readonly [F in keyof FieldsOf<N> as F extends `reserved${string}` ? never : F]: FieldsOf<N>[F] extends FieldType
    ? FieldValueOf[FieldsOf<N>[F]]
    : never;
};

/** Any method; `switch (method.name)` narrows it. */
export type Method = { [N in MethodName]: MethodOf<N> }[MethodName];

/** Class and method number in one: `methodKey(60, 40)` is basic.publish, and the first four octets of a method frame's payload. */
export function methodKey(classId: number, methodId: number): number {
  return classId * 0x10000 + methodId;
}

/** The methods after which a content header follows. */
export const CONTENT_METHODS: ReadonlySet<MethodName> = new Set<MethodName>(['basic.publish', 'basic.return', 'basic.deliver', 'basic.get-ok']);
