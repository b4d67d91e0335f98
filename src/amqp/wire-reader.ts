/**
 * A cursor over octets that a peer sent. It never throws and never reads past its end: the first read that does not fit sets
 * `failure`, moves the cursor to the end, and every later read answers an empty value. So a decoder reads straight on and
 * looks at `failure` once, when it is done.
 */
import { refuse, ReplyCode, type Refusal } from '../broker/refusal.ts';
import { decodeText } from './wire-text.ts';

/** A length that the sender did not keep to; callers that know more say it in other words. */
export const TRUNCATED: Refusal = refuse(ReplyCode.frameError, 'a length reaches beyond the octets that were sent');

export class WireReader {
  readonly buffer: Buffer;
  /** The next octet to be read. */
  offset: number;
  /** The first octet that may not be read. Narrowed while a nested value is read. */
  end: number;
  failure: Refusal | undefined = undefined;

  constructor(buffer: Buffer, offset: number, end: number) {
    this.buffer = buffer;
    this.offset = offset;
    this.end = end;
  }

  fail(refusal: Refusal): void {
    this.failure ??= refusal;
    this.offset = this.end;
  }

  /** Moves over `size` octets and answers where they start, or -1 when fewer remain. Compared before anything is allocated. */
  claim(size: number): number {
    const start = this.offset;
    if (size > this.end - start) {
      this.fail(TRUNCATED);
      return -1;
    }
    this.offset = start + size;
    return start;
  }

  octet(): number {
    const start = this.claim(1);
    return start < 0 ? 0 : this.buffer[start]!;
  }

  short(): number {
    const start = this.claim(2);
    return start < 0 ? 0 : this.buffer.readUInt16BE(start);
  }

  long(): number {
    const start = this.claim(4);
    return start < 0 ? 0 : this.buffer.readUInt32BE(start);
  }

  longlong(): bigint {
    const start = this.claim(8);
    return start < 0 ? 0n : this.buffer.readBigUInt64BE(start);
  }

  /** A string after one octet of length. */
  shortstr(): string {
    const size = this.octet();
    const start = this.claim(size);
    return start < 0 ? '' : decodeText(this.buffer, start, start + size);
  }

  /** Octets after four octets of length: a copy, because the chunk they came in is used again. */
  longstr(): Uint8Array {
    const size = this.long();
    const start = this.claim(size);
    return start < 0 ? EMPTY_BYTES : new Uint8Array(this.buffer.subarray(start, start + size));
  }
}

const EMPTY_BYTES = new Uint8Array(0);
