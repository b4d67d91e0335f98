/**
 * What server and client tell each other about themselves in `connection.start` and `connection.start-ok`.
 */
import type { FieldTable, FieldValue } from '../broker/field-table.ts';

/** The RabbitMQ release whose behaviour this broker keeps; clients that look at `version` decide by it. */
export const COMPATIBLE_VERSION = '3.13.7';

const CAPABILITIES = [
  'publisher_confirms',
  'exchange_exchange_bindings',
  'basic.nack',
  'consumer_cancel_notify',
  'connection.blocked',
  'consumer_priorities',
  'authentication_failure_close',
  'per_consumer_qos',
  'direct_reply_to',
] as const;

export type ServerIdentity = {
  /** This broker's own release. */
  readonly version: string;
  /** What it runs on, such as `Node.js 24.21.0`. */
  readonly platform: string;
  readonly clusterName: string;
};

/** The server properties of `connection.start`. */
export function serverProperties(identity: ServerIdentity): FieldTable {
  return new Map<string, FieldValue>([
    ['capabilities', { type: 'F', value: new Map(CAPABILITIES.map((name) => [name, { type: 't', value: true }])) }],
    ['cluster_name', text(identity.clusterName)],
    ['copyright', text('Copyright (c) the Leveret authors')],
    ['information', text('Licensed under the Apache License, Version 2.0')],
    ['leveret_version', text(identity.version)],
    ['platform', text(identity.platform)],
    ['product', text('Leveret')],
    ['version', text(COMPATIBLE_VERSION)],
  ]);
}

function text(value: string): FieldValue {
  return { type: 'S', value: new Uint8Array(Buffer.from(value)) };
}

export type ClientCapability =
  | 'authentication_failure_close'
  | 'basic.nack'
  | 'connection.blocked'
  | 'consumer_cancel_notify'
  | 'exchange_exchange_bindings'
  | 'publisher_confirms';

/** True when the client says in its properties that it understands `capability`. */
export function hasCapability(clientProperties: FieldTable, capability: ClientCapability): boolean {
  const capabilities = clientProperties.get('capabilities');
  if (capabilities?.type !== 'F') return false;
  const field = capabilities.value.get(capability);
  return field?.type === 't' && field.value;
}

/** The name a client gave its connection, for listings; undefined when it gave none. */
export function userProvidedName(clientProperties: FieldTable): string | undefined {
  const field = clientProperties.get('connection_name');
  return field?.type === 'S' ? Buffer.from(field.value).toString('utf8') : undefined;
}
