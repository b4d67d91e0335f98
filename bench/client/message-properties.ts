/** The properties of a message as they stand in its content header (AMQP 0-9-1, 4.2.6.1): flags, then the values in order. */
import { encodeTable, type Fields } from './field-table.ts';
import { shortString, u16, u8 } from './wire.ts';

export type MessageProperties = {
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly headers?: Fields;
  /** 1 transient, 2 persistent. */
  readonly deliveryMode?: number;
  readonly priority?: number;
  readonly correlationId?: string;
  readonly replyTo?: string;
  /** Milliseconds, as text. */
  readonly expiration?: string;
  readonly messageId?: string;
  /** Seconds since 1970. */
  readonly timestamp?: number;
  readonly type?: string;
  readonly userId?: string;
  readonly appId?: string;
  readonly clusterId?: string;
};

function u64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** Flags and values, ready to stand behind the body size. */
export function encodeProperties(properties: MessageProperties): Buffer {
  let flags = 0;
  const values: Buffer[] = [];
  const add = <Value>(bit: number, value: Value | undefined, encode: (given: Value) => Buffer): void => {
    if (value === undefined) return;
    flags |= 1 << bit;
    values.push(encode(value));
  };
  add(15, properties.contentType, shortString);
  add(14, properties.contentEncoding, shortString);
  add(13, properties.headers, encodeTable);
  add(12, properties.deliveryMode, u8);
  add(11, properties.priority, u8);
  add(10, properties.correlationId, shortString);
  add(9, properties.replyTo, shortString);
  add(8, properties.expiration, shortString);
  add(7, properties.messageId, shortString);
  add(6, properties.timestamp, u64);
  add(5, properties.type, shortString);
  add(4, properties.userId, shortString);
  add(3, properties.appId, shortString);
  add(2, properties.clusterId, shortString);
  return Buffer.concat([u16(flags), ...values]);
}
