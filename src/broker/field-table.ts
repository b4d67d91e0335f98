/**
 * A field table as the domain sees it: names to typed values. The type letters are RabbitMQ's dialect of AMQP 0-9-1
 * (rabbit_binary_parser), kept beside each value so that a table is written back byte for byte.
 *
 * Names come from clients: a table is a Map, never an object with client-chosen keys.
 */
export type FieldValue =
  | { readonly type: 't'; readonly value: boolean }
  | { readonly type: 'b' | 'B' | 's' | 'u' | 'I' | 'i' | 'f' | 'd'; readonly value: number }
  /** 64-bit integers: `l` and `L` signed, `T` a timestamp in seconds, unsigned. */
  | { readonly type: 'l' | 'L' | 'T'; readonly value: bigint }
  | { readonly type: 'D'; readonly scale: number; readonly value: number }
  /** Longstr: bytes, because nothing promises UTF-8. */
  | { readonly type: 'S' | 'x'; readonly value: Uint8Array }
  | { readonly type: 'F'; readonly value: FieldTable }
  | { readonly type: 'A'; readonly value: readonly FieldValue[] }
  | { readonly type: 'V' };

export type FieldTable = ReadonlyMap<string, FieldValue>;

export const EMPTY_TABLE: FieldTable = new Map();
