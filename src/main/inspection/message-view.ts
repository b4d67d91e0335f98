/** A stored message for people: where it was published to, what it says of itself, and how its body begins. */
import { type BasicProperties, decodeProperties, isRefusedHeader } from '../../amqp/basic-properties.ts';
import { BODY_SIZE, FLAGS, HEADER_SIZE, KEY_SIZE, RECORD_HEAD_SIZE, bodyOffset, headerOffset } from '../../amqp/stored-message.ts';
import { AppendFlag, type StoredEntry } from '../../store/store.ts';
import { type PlainField, plainTable } from './plain-field.ts';

/** Bytes of a body that are shown. */
export const BODY_SHOWN_BYTES = 64;

export type MessageView = {
  readonly position: number;
  readonly redelivered: boolean;
  readonly deliveries: number;
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: Readonly<Record<string, PlainField>>;
  readonly bodyBytes: number;
  /** The first bytes of the body; as text when they are some. */
  readonly body: { readonly text: string } | { readonly hex: string };
};

/** `record`: as the store keeps it (src/amqp/stored-message.ts). */
export function viewMessage({ position, flags, deliveries }: StoredEntry, record: Buffer): MessageView {
  const word = (index: number): number => record.readInt32LE(4 * index);
  const keySize = word(KEY_SIZE);
  const headerSize = word(HEADER_SIZE);
  const exchangeEnd = RECORD_HEAD_SIZE + 1 + record[RECORD_HEAD_SIZE]!;
  const header = headerOffset(keySize);
  const properties = decodeProperties(record, header, header + headerSize);
  const from = bodyOffset(keySize, headerSize, word(FLAGS));
  const bodyBytes = word(BODY_SIZE);
  return {
    position,
    redelivered: (flags & AppendFlag.redelivered) !== 0,
    deliveries,
    exchange: record.toString('utf8', RECORD_HEAD_SIZE + 1, exchangeEnd),
    routingKey: record.toString('utf8', exchangeEnd + 1, RECORD_HEAD_SIZE + keySize),
    properties: isRefusedHeader(properties) ? { unreadable: properties.text } : plainProperties(properties),
    bodyBytes,
    body: shownBody(record.subarray(from, from + Math.min(bodyBytes, BODY_SHOWN_BYTES)), bodyBytes),
  };
}

function plainProperties(properties: BasicProperties): Record<string, PlainField> {
  const plain: Record<string, PlainField> = {};
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'bigint') plain[name] = value.toString();
    else plain[name] = typeof value === 'object' ? plainTable(value) : value;
  }
  return plain;
}

/** A character that the end of what is shown cuts through is left out. */
function shownBody(bytes: Buffer, bodyBytes: number): MessageView['body'] {
  for (let cut = 0; cut <= (bytes.length < bodyBytes ? 3 : 0) && cut <= bytes.length; cut++) {
    const part = bytes.subarray(0, bytes.length - cut);
    const text = part.toString('utf8');
    if (Buffer.from(text).equals(part) && !/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text)) return { text };
  }
  return { hex: bytes.toString('hex') };
}
