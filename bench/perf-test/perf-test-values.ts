/** Values of PerfTest's options that are more than a number or a name. Each throws a RangeError that names the option. */
import type { FieldValue, Fields } from '../client/field-table.ts';
import type { MessageProperties } from '../client/message-properties.ts';
import type { Step } from '../scenario/load.ts';
import type { FlagName } from './perf-test-flags.ts';

const DEFAULT_EXCHANGE_NAME = 'amq.default';
const PROPERTY_NAMES = ['contentType', 'contentEncoding', 'correlationId', 'replyTo', 'expiration', 'messageId', 'type', 'userId', 'appId', 'clusterId'] as const;
const NUMBER_PROPERTY_NAMES = ['deliveryMode', 'priority', 'timestamp'] as const;
const CAPACITY_UNITS: Readonly<Record<string, number>> = { '': 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 };

/** `rate:seconds` over and over. */
export function steps(name: FlagName, texts: readonly string[] | undefined): Step[] | undefined {
  return texts
    ?.flatMap((text) => text.split(','))
    .map((text) => {
      const match = /^(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)$/.exec(text);
      if (match === null || !(Number(match[2]) > 0)) throw new RangeError(`${name} cannot be "${text}": give a figure and seconds, such as 1000:30.`);
      return { value: Number(match[1]), seconds: Number(match[2]) };
    });
}

/** What clients write where they mean the default exchange. */
export function exchangeName(text: string): string {
  return text === DEFAULT_EXCHANGE_NAME ? '' : text;
}

function pairs(name: FlagName, text: string): [string, FieldValue][] {
  return text.split(',').map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) throw new RangeError(`${name} cannot be "${pair}": give name=value, separated by commas.`);
    const value = pair.slice(at + 1);
    if (/^-?\d{1,15}$/.test(value)) return [pair.slice(0, at), Number(value)];
    if (pair.slice(0, at) === 'x-dead-letter-exchange') return [pair.slice(0, at), exchangeName(value)];
    return [pair.slice(0, at), value === 'true' ? true : value === 'false' ? false : value];
  });
}

/** `name=value,name=value`, as often as they are given; undefined: none. */
export function tableOf(name: FlagName, texts: readonly string[] | undefined): Fields | undefined {
  const given = (texts ?? []).filter((text) => text !== '').flatMap((text) => pairs(name, text));
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

export function queueArguments(texts: readonly string[] | undefined, isQuorum: boolean, maxLengthBytes: string | undefined): Fields | undefined {
  const all = {
    ...(isQuorum ? { 'x-queue-type': 'quorum' } : {}),
    ...tableOf('queueArguments', texts),
    ...(maxLengthBytes === undefined || maxLengthBytes === '0' ? {} : { 'x-max-length-bytes': capacity('maxLengthBytes', maxLengthBytes) }),
  };
  return Object.keys(all).length === 0 ? undefined : all;
}

/** `50mb` as bytes; units are powers of 1,000. */
function capacity(name: FlagName, text: string): number {
  const match = /^(\d{1,12})(kb|mb|gb|tb)?$/i.exec(text);
  if (match === null) throw new RangeError(`${name} cannot be "${text}": give bytes, such as 1000, 50mb or 2gb.`);
  return Number(match[1]) * (CAPACITY_UNITS[(match[2] ?? '').toLowerCase()] ?? 1);
}

/** One of a few words; undefined where it is not given. */
export function oneOf<Word extends string>(name: FlagName, text: string | undefined, words: readonly Word[]): Word | undefined {
  const found = words.find((word) => word === text);
  if (text !== undefined && found === undefined) throw new RangeError(`${name} cannot be "${text}": give ${words.join(' or ')}.`);
  return found;
}

/** Names that are no property become headers. */
export function messageProperties(text: string | undefined): MessageProperties | undefined {
  if (text === undefined || text === '') return undefined;
  const headers: Record<string, FieldValue> = {};
  const properties: Record<string, string | number> = {};
  for (const [name, value] of pairs('messageProperties', text)) {
    if (PROPERTY_NAMES.some((known) => known === name)) properties[name] = String(value);
    else if (NUMBER_PROPERTY_NAMES.some((known) => known === name)) {
      if (typeof value !== 'number') throw new RangeError(`messageProperties: ${name} must be a number.`);
      properties[name] = value;
    } else headers[name] = value;
  }
  return Object.keys(headers).length === 0 ? properties : { ...properties, headers };
}

/** `queue-%d` or `queue-%03d` from one number to another. */
export function queueSequence(pattern: string | undefined, from: number | undefined, to: number | undefined): string[] | undefined {
  if (pattern === undefined && from === undefined && to === undefined) return undefined;
  if (pattern === undefined || from === undefined || to === undefined || !Number.isInteger(from) || !Number.isInteger(to) || from > to) {
    throw new RangeError('queuePattern, queuePatternFrom and queuePatternTo belong together, and the last is not below the first.');
  }
  return Array.from({ length: to - from + 1 }, (_, index) =>
    pattern.replace(/%(0?)(\d*)d/, (_match, zero: string, width: string) => String(from + index).padStart(Number(width), zero === '' ? ' ' : '0')),
  );
}
