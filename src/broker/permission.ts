/**
 * Permissions: may this user configure, write or read a thing of this name (RabbitMQ guide "Access Control").
 *
 * A permission is a regular expression that is searched in the name, not anchored to it; the empty one matches only the empty
 * name. Expressions come from the operator, names come from clients: nothing of a client is ever compiled, and what topic
 * permissions insert of a client (its name, its virtual host) is escaped first.
 */
import { PATTERN_CACHE_COUNT_MAX, PATTERN_SIZE_MAX } from './bounds.ts';
import { describe, permissionName } from './name.ts';
import type { Resource } from './name.ts';
import { ReplyCode, refuse } from './refusal.ts';
import type { Refusal } from './refusal.ts';

export type Permission = 'configure' | 'write' | 'read';

/** `(?i)` in front is the one inline flag of RabbitMQ's dialect that operators use; here it becomes the flag itself. */
const IGNORE_CASE_PREFIX = '(?i)';

const compiled = new Map<string, RegExp | undefined>();

/** The compiled pattern, or undefined for one that cannot be compiled: it matches nothing. */
function compile(pattern: string): RegExp | undefined {
  if (compiled.has(pattern)) return compiled.get(pattern);
  if (compiled.size >= PATTERN_CACHE_COUNT_MAX) {
    const oldest = compiled.keys().next();
    if (oldest.done === false) compiled.delete(oldest.value);
  }
  const expression = parse(pattern);
  compiled.set(pattern, expression);
  return expression;
}

function parse(pattern: string): RegExp | undefined {
  const folded = pattern.startsWith(IGNORE_CASE_PREFIX);
  try {
    return new RegExp(folded ? pattern.slice(IGNORE_CASE_PREFIX.length) : pattern, folded ? 'i' : '');
  } catch {
    return undefined;
  }
}

/** Whether the pattern may be stored: short enough and a regular expression. */
export function isPattern(pattern: string): boolean {
  return pattern.length <= PATTERN_SIZE_MAX && parse(pattern) !== undefined;
}

/** Whether the pattern grants the name. `""` stands for `^$`. */
export function grants(pattern: string, name: string): boolean {
  if (pattern === '') return name === '';
  if (pattern === '.*') return true;
  return compile(pattern)?.test(name) ?? false;
}

/** Whether the pattern of a permission on a resource grants it; the default exchange goes by the name `amq.default`. */
export function grantsResource(pattern: string, resource: Resource): boolean {
  return grants(pattern, permissionName(resource));
}

/**
 * Whether the pattern of a topic permission grants the routing key. `{username}` and `{vhost}` in it stand for the client's
 * own, taken literally: a user named `.*` gains nothing.
 */
export function grantsTopic(pattern: string, routingKey: string, user: string, vhost: string): boolean {
  const expanded = pattern.includes('{')
    ? pattern.replaceAll(/\{(username|vhost)\}/g, (_, variable) => literally(variable === 'vhost' ? vhost : user))
    : pattern;
  return grants(expanded, routingKey);
}

/** A pattern that matches the text and nothing else: every character that is no letter or digit goes as its code unit. */
function literally(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** 403 in the words of RabbitMQ 3.13. */
export function refusePermission(permission: Permission, resource: Resource, user: string): Refusal {
  const named = describe(resource.kind, resource.vhost, permissionName(resource));
  return refuse(ReplyCode.accessRefused, `${permission} access to ${named} refused for user '${user}'`);
}

/** 403 for a topic, in the words of RabbitMQ 3.13. */
export function refuseTopic(permission: 'write' | 'read', exchange: Resource, routingKey: string, user: string): Refusal {
  const named = `topic '${routingKey}' in ${describe('exchange', exchange.vhost, exchange.name)}`;
  return refuse(ReplyCode.accessRefused, `${permission} access to ${named} refused for user '${user}'`);
}
