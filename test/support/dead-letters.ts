/** What tests of dead letters share: queues whose messages die, and how to read what a letter says. */
import * as assert from 'uvu/assert';
import { decodeFields } from '../../src/amqp/field-table-codec.ts';
import type { FieldTable, FieldValue } from '../../src/broker/field-table.ts';
import { DEADLINE_MS } from './deadline.ts';
import { freshName } from './fresh-name.ts';
import type { RawChannel } from './raw-channel.ts';
import type { RawProperties } from './raw-properties.ts';
import { type RawValue, table } from './raw-table.ts';

/** Told by RabbitMQ 3.13 and not by 3.10. */
const YOUNGER = /^x-last-death-/;

/** A queue with this dead-letter exchange. */
export function dying(channel: RawChannel, exchange: string, fields: Readonly<Record<string, RawValue>> = {}): Promise<string> {
  return channel.queue(freshName('dying'), { arguments: table({ 'x-dead-letter-exchange': ['S', exchange], ...fields }) });
}

/** A queue whose dead letters go to `to` by way of the default exchange. */
export function dyingTo(channel: RawChannel, to: string, fields: Readonly<Record<string, RawValue>> = {}): Promise<string> {
  return dying(channel, '', { 'x-dead-letter-routing-key': ['S', to], ...fields });
}

function plain(value: FieldValue): unknown {
  switch (value.type) {
    case 'S':
      return Buffer.from(value.value).toString();
    case 'F':
      return plainTable(value.value);
    case 'A':
      return value.value.map(plain);
    case 'T':
      return 'a time';
    case 'V':
      return null;
    case 'D':
      return value.value;
    case 'l':
      return Number(value.value);
    default:
      return value.value;
  }
}

function plainTable(fields: FieldTable): Record<string, unknown> {
  const names = [...fields.keys()].filter((name) => !YOUNGER.test(name)).sort();
  return Object.fromEntries(names.map((name) => [name, plain(fields.get(name)!)]));
}

/** The headers as they came. */
export function fieldsOf({ headers }: RawProperties): FieldTable {
  const bytes = headers ?? Buffer.alloc(0);
  const fields = decodeFields(bytes, 0, bytes.length);
  if ('code' in fields) throw new Error(String(fields.text));
  return fields;
}

/** The headers as plain values, in alphabetical order; times as words. */
export function headersOf(properties: RawProperties): Record<string, unknown> {
  return plainTable(fieldsOf(properties));
}

/** Waits for the next message of a queue, and takes it. */
export async function next(channel: RawChannel, queue: string) {
  await channel.untilReady(queue, 1);
  return channel.get(queue);
}

/** Waits until a queue has anything, however much, and takes the first. */
async function first(channel: RawChannel, queue: string) {
  const givenUpAt = performance.now() + DEADLINE_MS;
  for (;;) {
    const isLast = performance.now() > givenUpAt;
    channel.send('basic.get', { queue, noAck: true });
    const answer = await channel.inbox.take('a message or none');
    channel.inbox.putBack(answer);
    if (answer.name !== 'basic.get-empty' || isLast) return channel.expectContent('basic.get-ok');
    await channel.expect('basic.get-empty');
  }
}

/**
 * The next letter of a grave: its message has expired in `queue`, and not before `ttlMs` were over. `sinceMs` is taken before its time can
 * have begun. That it was there until then needs no look at the right moment, which a busy machine may miss.
 */
export async function expired(channel: RawChannel, grave: string, queue: string, { sinceMs, ttlMs }: { readonly sinceMs: number; readonly ttlMs: number }) {
  const letter = await first(channel, grave);
  // The clock of the node counts whole milliseconds.
  const elapsedMs = performance.now() - sinceMs;
  assert.ok(elapsedMs >= ttlMs - 2, `expired after ${elapsedMs} ms, not ${ttlMs}`);
  const [death] = headersOf(letter.properties)['x-death'] as Record<string, unknown>[];
  assert.equal([death!['reason'], death!['queue']], ['expired', queue]);
  await channel.untilReady(queue, 0);
  return letter;
}

/** Takes the next message and rejects it. */
export async function reject(channel: RawChannel, queue: string): Promise<void> {
  const { fields } = await channel.get(queue, false);
  channel.send('basic.reject', { deliveryTag: fields.deliveryTag, requeue: false });
}

/** A message with these properties is rejected: where it came from, where to, and what its letter says. */
export async function rejectedHeaders(channel: RawChannel, properties: RawProperties, fields: Readonly<Record<string, RawValue>> = {}) {
  const grave = await channel.queue(freshName('grave'));
  const queue = await dyingTo(channel, grave, fields);
  channel.publish({ routingKey: queue }, 'a', properties);
  await channel.untilReady(queue, 1);
  await reject(channel, queue);
  const letter = await next(channel, grave);
  return { queue, grave, letter, headers: headersOf(letter.properties) };
}
