/** What holds for every name of the domain: reserved prefix, forbidden characters, and how a text names a resource. */
import { ReplyCode, refuse } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** The exchange that every queue is bound to by its own name. */
export const DEFAULT_EXCHANGE = '';

/** Permissions on the default exchange are looked up under this name (RabbitMQ guide "Access Control"). */
const DEFAULT_EXCHANGE_ALIAS = 'amq.default';

const RESERVED_PREFIX = 'amq.';

export type ResourceKind = 'queue' | 'exchange';

/** A thing that a permission is asked for and that a refusal names. */
export type Resource = { readonly kind: ResourceKind; readonly vhost: string; readonly name: string };

/** `queue 'q' in vhost 'v'`, word for word as RabbitMQ's texts have it (rabbit_misc:rs). */
export function describe(kind: ResourceKind, vhost: string, name: string): string {
  return `${kind} '${name}' in vhost '${vhost}'`;
}

/** Clients may send names with line ends; RabbitMQ takes the line ends out before it looks the name up. */
export function withoutLineEnds(name: string): string {
  return name.includes('\n') || name.includes('\r') ? name.replaceAll(/[\r\n]/g, '') : name;
}

/** Whether the name is one that only the broker may create. */
export function isReserved(name: string): boolean {
  return name.startsWith(RESERVED_PREFIX);
}

/** The name under which permissions for an exchange are looked up. */
export function permissionName(resource: Resource): string {
  return resource.kind === 'exchange' && resource.name === DEFAULT_EXCHANGE ? DEFAULT_EXCHANGE_ALIAS : resource.name;
}

/** 403 for a client that wants to create a name with the reserved prefix. */
export function refuseReserved(kind: ResourceKind, name: string): Refusal {
  return refuse(ReplyCode.accessRefused, `${kind} name '${name}' contains reserved prefix 'amq.*'`);
}

/** 404 in RabbitMQ's words. */
export function refuseMissing(kind: ResourceKind, vhost: string, name: string): Refusal {
  return refuse(ReplyCode.notFound, `no ${describe(kind, vhost, name)}`);
}
