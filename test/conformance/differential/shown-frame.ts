/** A frame as a line of a transcript. Delivery tags and consumer counts of time are left out: what may differ must not be seen. */
import { decodeProperties, isRefusedHeader } from '../../../src/amqp/basic-properties.ts';
import type { FieldTable, FieldValue } from '../../../src/broker/field-table.ts';
import { decodeFields } from '../../support/raw-bytes.ts';
import type { Layout } from '../../support/raw-bytes.ts';
import type { Incoming } from '../../support/raw-channel.ts';
import { METHODS } from '../../support/raw-methods.ts';
import type { MethodName } from '../../support/raw-methods.ts';

/** The fields of a method by name. */
export function fieldsOf(incoming: Incoming): Readonly<Record<string, unknown>> {
  const layout: Layout = METHODS[incoming.name as MethodName][2];
  return decodeFields(layout, incoming.arguments);
}

/** Tags count deliveries; the player checks them and leaves them out, because deliveries of two queues may come in any order. */
const LEFT_OUT: ReadonlySet<string> = new Set(['deliveryTag', 'ticket', 'clusterId']);

const DEATHS = 'x-death';
/** RabbitMQ 3.10 does not have them yet. */
const NEWER_HEADERS = 'x-last-death-';

export function shownFrame(incoming: Incoming, shorten: (text: string) => string): string {
  const shown = Object.entries(fieldsOf(incoming))
    .filter(([name, value]) => !LEFT_OUT.has(name) && value !== false)
    .map(([name, value]) => (value === true ? name : `${name}=${shorten(String(value))}`));
  const line = [incoming.name, ...shown].join(' ');
  if (incoming.header === undefined) return line;
  return `${line} ${shownProperties(incoming.header, shorten)} "${incoming.body?.toString() ?? ''}"`;
}

/** `header`: flags and values, without class, weight and body size. */
function shownProperties(header: Buffer, shorten: (text: string) => string): string {
  const fixed = Buffer.alloc(12);
  fixed.writeUInt16BE(60, 0);
  const properties = decodeProperties(Buffer.concat([fixed, header]), 0, 12 + header.length);
  if (isRefusedHeader(properties)) return `broken header ${header.toString('hex')}`;
  const shown = Object.entries(properties).map(([name, value]) =>
    `${name}:${value instanceof Map ? shownTable(value as FieldTable, shorten) : shorten(String(value))}`);
  return `{${shown.join(' ')}}`;
}

function shownTable(table: FieldTable, shorten: (text: string) => string): string {
  const fields = [...table].filter(([name]) => !name.startsWith(NEWER_HEADERS)).sort(([left], [right]) => (left < right ? -1 : 1));
  return `[${fields.map(([name, value]) => `${name}=${name === DEATHS ? shownDeaths(value, shorten) : shownValue(value, shorten)}`).join(' ')}]`;
}

/** Which death was the last is told; RabbitMQ 3.10 changes the places of those before, 3.13 does not. */
function shownDeaths(deaths: FieldValue, shorten: (text: string) => string): string {
  if (deaths.type !== 'A') return shownValue(deaths, shorten);
  const [last = '', ...before] = deaths.value.map((death) => shownValue(death, shorten));
  return `(${[last, ...before.toSorted()].join(' ')})`;
}

function shownValue(field: FieldValue, shorten: (text: string) => string): string {
  switch (field.type) {
    case 'V':
      return 'V';
    case 'S':
    case 'x':
      return `${field.type}'${shorten(Buffer.from(field.value).toString())}'`;
    case 'F':
      return shownTable(field.value, shorten);
    case 'A':
      return `(${field.value.map((item) => shownValue(item, shorten)).join(' ')})`;
    // The time of a death.
    case 'T':
      return 'time';
    default:
      return `${field.type}${String(field.value)}`;
  }
}
