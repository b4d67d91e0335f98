/**
 * What a dead letter's headers say, and where it may not go (RabbitMQ guide "Dead Letter Exchanges"; rabbit_dead_letter of 3.10, mc of
 * 3.13, of which the permissive side is taken).
 *
 * `x-death` is an array of tables, the newest death first: one for each queue and reason, counted when it comes again. Clients may send one
 * of their own, and it is believed; what in it is no death is left as it is. `x-first-death-*` never change, `x-last-death-*` always do.
 */
import { Buffer } from 'node:buffer';
import type { FieldTable, FieldValue } from './field-table.ts';
import { integerOf, textOf } from './field-value.ts';
import type { DropReason } from './queue/dying.ts';

export const DEATHS_HEADER = 'x-death';
/** The header that a routing key of the queue's own takes away, because it would name further ones. */
export const CC_HEADER = 'CC';
const FIRST_DEATH = 'x-first-death-';
const LAST_DEATH = 'x-last-death-';

/** One death. */
export type Death = {
  readonly reason: DropReason;
  readonly queue: string;
  /** To which the message was published before it died, and with which keys: the first, and those of CC. */
  readonly exchange: string;
  readonly routingKeys: readonly string[];
  readonly timeSeconds: number;
  /** The message's own time to live, which a dead letter does not have any more. */
  readonly expiration: string | undefined;
};

const COUNT_MAX = 2n ** 63n - 1n;

/** Whether a header with this name is changed by a death, so that its fields cannot simply be added. */
export function isDeathHeader(name: string): boolean {
  return name === DEATHS_HEADER || name.startsWith(FIRST_DEATH) || name.startsWith(LAST_DEATH);
}

/** The headers of the first death of a message that had none of these: to be added to what it has. */
export function firstDeathHeaders(death: Death): Map<string, FieldValue> {
  const headers = new Map<string, FieldValue>([[DEATHS_HEADER, { type: 'A', value: [tableOf(death, 1n)] }]]);
  setSummary(headers, FIRST_DEATH, death);
  setSummary(headers, LAST_DEATH, death);
  return headers;
}

/** The headers of a dead letter. `keepsKeys`: the message keeps its routing keys. */
export function deadLetterHeaders(before: FieldTable, death: Death, keepsKeys: boolean): Map<string, FieldValue> {
  const headers = new Map(before);
  const deaths = before.get(DEATHS_HEADER);
  if (deaths?.type === 'A') {
    headers.set(DEATHS_HEADER, { type: 'A', value: countedIn(deaths.value, death) });
  } else {
    headers.set(DEATHS_HEADER, { type: 'A', value: [tableOf(death, 1n)] });
    setSummary(headers, FIRST_DEATH, death);
  }
  setSummary(headers, LAST_DEATH, death);
  if (!keepsKeys) headers.delete(CC_HEADER);
  return headers;
}

/** The same death again keeps what it said the first time, but for its count; either comes to the front. */
function countedIn(deaths: readonly FieldValue[], death: Death): FieldValue[] {
  const same = deaths.filter((each) => isSame(each, death));
  const others = deaths.filter((each) => !isSame(each, death));
  const [first] = same;
  if (first?.type !== 'F') return [tableOf(death, 1n), ...others];
  const counted = new Map(first.value);
  counted.set('count', { type: 'l', value: nextCount(first.value.get('count')) });
  return [{ type: 'F', value: counted }, ...others];
}

function nextCount(count: FieldValue | undefined): bigint {
  const known = count === undefined ? undefined : integerOf(count);
  if (known === undefined || known < 0n) return 1n;
  return known >= COUNT_MAX ? COUNT_MAX : known + 1n;
}

function isSame(each: FieldValue, { queue, reason }: Death): boolean {
  return each.type === 'F' && isText(each.value.get('queue'), queue) && isText(each.value.get('reason'), reason);
}

/**
 * Whether a dead letter with these headers would come to `queue` in a circle in which no client took part: it died there before, and
 * nobody has rejected it since. Something among the deaths that is none was put there by a client.
 */
export function isDeathCycle(queue: string, headers: FieldTable): boolean {
  const deaths = headers.get(DEATHS_HEADER);
  if (deaths?.type !== 'A') return false;
  for (const death of deaths.value) {
    if (death.type !== 'F' || isText(death.value.get('reason'), 'rejected')) return false;
    if (isText(death.value.get('queue'), queue)) return true;
  }
  return false;
}

function tableOf(death: Death, count: bigint): FieldValue {
  const { reason, queue, exchange, routingKeys, timeSeconds, expiration } = death;
  const fields: [string, FieldValue][] = [
    ['count', { type: 'l', value: count }],
    ['reason', text(reason)],
    ['queue', text(queue)],
    ['time', { type: 'T', value: BigInt(timeSeconds) }],
    ['exchange', text(exchange)],
    ['routing-keys', { type: 'A', value: routingKeys.map(text) }],
  ];
  if (expiration !== undefined) fields.unshift(['original-expiration', text(expiration)]);
  return { type: 'F', value: new Map(fields) };
}

function setSummary(headers: Map<string, FieldValue>, prefix: string, { reason, queue, exchange }: Death): void {
  headers.set(`${prefix}reason`, text(reason));
  headers.set(`${prefix}queue`, text(queue));
  headers.set(`${prefix}exchange`, text(exchange));
}

function text(value: string): FieldValue {
  return { type: 'S', value: Buffer.from(value) };
}

function isText(value: FieldValue | undefined, wanted: string): boolean {
  return value?.type === 'S' && textOf(value.value) === wanted;
}
