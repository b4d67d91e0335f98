import { ByteReader, longlong, longstr, octet, short, shortstr } from './raw-bytes.ts';

/** The properties of a content header; `headers` is the table's bytes without the length. */
export type RawProperties = {
  contentType?: string;
  contentEncoding?: string;
  headers?: Buffer;
  deliveryMode?: number;
  priority?: number;
  correlationId?: string;
  replyTo?: string;
  expiration?: string;
  messageId?: string;
  timestamp?: number;
  type?: string;
  userId?: string;
  appId?: string;
  clusterId?: string;
};

/** In the order of their flags, from bit 15 down. */
const PROPERTIES = [
  ['contentType', '$'],
  ['contentEncoding', '$'],
  ['headers', 'T'],
  ['deliveryMode', 'o'],
  ['priority', 'o'],
  ['correlationId', '$'],
  ['replyTo', '$'],
  ['expiration', '$'],
  ['messageId', '$'],
  ['timestamp', 'L'],
  ['type', '$'],
  ['userId', '$'],
  ['appId', '$'],
  ['clusterId', '$'],
] as const satisfies readonly (readonly [keyof RawProperties, string])[];

/** Flags and values, as they stand in a content header after the body's size. */
export function encodeProperties(properties: RawProperties): Buffer {
  let flags = 0;
  const parts: Buffer[] = [];
  for (const [place, [name, letter]] of PROPERTIES.entries()) {
    const value = properties[name];
    if (value === undefined) continue;
    flags |= 1 << (15 - place);
    if (Buffer.isBuffer(value)) parts.push(longstr(value));
    else if (typeof value === 'string') parts.push(shortstr(value));
    else parts.push(letter === 'L' ? longlong(value) : octet(value));
  }
  return Buffer.concat([short(flags), ...parts]);
}

export function decodeProperties(bytes: Buffer): RawProperties {
  const reader = new ByteReader(bytes);
  const flags = reader.short();
  const properties: Record<string, unknown> = {};
  for (const [place, [name, letter]] of PROPERTIES.entries()) {
    if ((flags & (1 << (15 - place))) === 0) continue;
    if (letter === '$') properties[name] = reader.shortstr();
    else if (letter === 'T') properties[name] = reader.longstr();
    else properties[name] = letter === 'L' ? reader.longlong() : reader.octet();
  }
  if (reader.remaining > 0) throw new RangeError(`${reader.remaining} bytes left over after the properties`);
  return properties as RawProperties;
}
