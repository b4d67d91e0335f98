/**
 * A content header, cut where a dead letter's differs: fields are added to its headers, and `expiration` goes. Nothing is decoded for
 * that, as long as no header is there that a death changes.
 *
 * ```
 *   | class, weight, size, flags | type, encoding | headers: size | fields | ... | expiration | ... |
 *                                                 ^headersAt     ^fieldsAt ^fieldsEnd  ^expirationAt ^expirationEnd   ^end
 *   the same                       the same         larger   the same, new ones    the same            the same
 * ```
 */
import { CONTENT_HEADER_FIXED_SIZE, PropertyFlag, propertyFlags } from './content-header.ts';
import { fieldEnd } from './table-scanner.ts';

const FLAGS_OFFSET = CONTENT_HEADER_FIXED_SIZE - 2;
const TABLE_SIZE_SIZE = 4;
/** Properties between headers and expiration. */
const OCTETS = [PropertyFlag.deliveryMode, PropertyFlag.priority] as const;
const TEXTS = [PropertyFlag.correlationId, PropertyFlag.replyTo] as const;

const UPPER_C = 0x43;
const LOWER_X = 0x78;
const DASH = 0x2d;
/** x-death, x-first-death-..., x-last-death-... */
const AFTER_DASH = [0x64, 0x66, 0x6c];

/** One object for all headers: `look` says where this one is to be cut. */
export class DeadLetterHeader {
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #headersAt = 0;
  #fieldsAt = 0;
  #fieldsEnd = 0;
  #expirationAt = 0;
  #expirationEnd = 0;
  /** No header is there that a death changes: fields may be added. */
  plain = true;

  /** Looks at a header's payload that was checked when it was published. */
  look(bytes: Buffer, start: number, end: number): void {
    const flags = propertyFlags(bytes, start);
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    let at = start + CONTENT_HEADER_FIXED_SIZE;
    if ((flags & PropertyFlag.contentType) !== 0) at += 1 + bytes[at]!;
    if ((flags & PropertyFlag.contentEncoding) !== 0) at += 1 + bytes[at]!;
    this.#headersAt = at;
    this.plain = true;
    this.#fieldsAt = this.#fieldsEnd = at;
    if ((flags & PropertyFlag.headers) !== 0) {
      this.#fieldsAt = at + TABLE_SIZE_SIZE;
      this.#fieldsEnd = at = this.#fieldsAt + bytes.readUInt32BE(at);
      this.plain = isPlain(bytes, this.#fieldsAt, this.#fieldsEnd);
    }
    this.#expirationAt = this.#expirationEnd = at;
    if ((flags & PropertyFlag.expiration) === 0) return;
    for (const flag of OCTETS) if ((flags & flag) !== 0) at += 1;
    for (const flag of TEXTS) if ((flags & flag) !== 0) at += 1 + bytes[at]!;
    this.#expirationAt = at;
    this.#expirationEnd = at + 1 + bytes[at]!;
  }

  /** Milliseconds, as its publisher wrote them. */
  get expiration(): string | undefined {
    if (this.#expirationAt === this.#expirationEnd) return undefined;
    return this.#bytes.toString('latin1', this.#expirationAt + 1, this.#expirationEnd);
  }

  /** Octets of the payload with `added` octets of fields. */
  sizeWith(added: number): number {
    const tableSize = this.#fieldsAt === this.#headersAt ? TABLE_SIZE_SIZE : 0;
    return this.#end - this.#start + tableSize + added - (this.#expirationEnd - this.#expirationAt);
  }

  /** Writes the payload with the fields added at the end of its headers. */
  writeWith(fields: Buffer, target: Buffer, offset: number): void {
    const bytes = this.#bytes;
    bytes.copy(target, offset, this.#start, this.#headersAt);
    const flags = propertyFlags(bytes, this.#start);
    target.writeUInt16BE((flags | PropertyFlag.headers) & ~PropertyFlag.expiration, offset + FLAGS_OFFSET);
    let at = offset + this.#headersAt - this.#start;
    at = target.writeUInt32BE(this.#fieldsEnd - this.#fieldsAt + fields.length, at);
    if (this.#fieldsEnd > this.#fieldsAt) at += bytes.copy(target, at, this.#fieldsAt, this.#fieldsEnd);
    at += fields.copy(target, at);
    if (this.#expirationAt > this.#fieldsEnd) at += bytes.copy(target, at, this.#fieldsEnd, this.#expirationAt);
    if (this.#end > this.#expirationEnd) bytes.copy(target, at, this.#expirationEnd, this.#end);
  }
}

/** Whether none of the fields is CC or one that tells of deaths. One that only looks like it is decoded, and found to be none. */
function isPlain(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at = fieldEnd(bytes, at)) {
    const size = bytes[at]!;
    const name = at + 1;
    if (size === 2 && bytes[name] === UPPER_C && bytes[name + 1] === UPPER_C) return false;
    if (size > 2 && bytes[name] === LOWER_X && bytes[name + 1] === DASH && AFTER_DASH.includes(bytes[name + 2]!)) return false;
  }
  return true;
}
