/**
 * How the fields of a definition lie in bytes, one after the other, numbers big endian:
 *
 *     flag    | u8, 0 or 1 |
 *     count   | u32 |
 *     number  | f64 |
 *     bytes   | size u32 | octets |
 *     text    | size u32 | octets |        UTF-8; bit 31 of the size: UTF-16, little endian
 *
 * A client may name things with octets that are not UTF-8, and the wire keeps those as lone surrogates, which UTF-8 cannot hold:
 * such a text is kept unit by unit. What is read is, to the last unit, what was written. (msgpack, which carries letters between
 * threads, turns lone surrogates into others and -0 into 0; a store that hands back another name than it was given is wrong.)
 */
import { Buffer } from 'node:buffer';

/** Bytes of most definitions. */
const FIRST_ROOM = 256;
/** Bit 31 of a text's size: its octets are UTF-16. */
const UTF_16 = 0x8000_0000;
const SIZE_MAX = 0x7fff_ffff;

/** Thrown by the reader: the bytes do not hold what they should. */
export class DefinitionFormError extends Error {}

export class DefinitionWriter {
  #buffer = Buffer.allocUnsafe(FIRST_ROOM);
  #size = 0;

  /** A copy of what was written. */
  written(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#size));
  }

  octet(value: number): void {
    const at = this.#claim(1);
    this.#buffer.writeUInt8(value, at);
  }

  flag(value: boolean): void {
    this.octet(value ? 1 : 0);
  }

  count(value: number): void {
    const at = this.#claim(4);
    this.#buffer.writeUInt32BE(value, at);
  }

  number(value: number): void {
    const at = this.#claim(8);
    this.#buffer.writeDoubleBE(value, at);
  }

  /** Signed or unsigned: the 64 bits are the same, the reader knows which. */
  long(value: bigint): void {
    const at = this.#claim(8);
    this.#buffer.writeBigUInt64BE(BigInt.asUintN(64, value), at);
  }

  bytes(value: Uint8Array): void {
    this.#sized(value, 0);
  }

  text(value: string): void {
    if (value.isWellFormed()) this.#sized(Buffer.from(value), 0);
    else this.#sized(Buffer.from(value, 'utf16le'), UTF_16);
  }

  #sized(octets: Uint8Array, form: number): void {
    if (octets.byteLength > SIZE_MAX) throw new Error('assertion failed: a field of a definition is shorter than 2 GiB');
    this.count(octets.byteLength + form);
    const at = this.#claim(octets.byteLength);
    this.#buffer.set(octets, at);
  }

  #claim(sizeBytes: number): number {
    const at = this.#size;
    this.#size += sizeBytes;
    if (this.#size > this.#buffer.length) {
      const roomier = Buffer.allocUnsafe(this.#size * 2);
      roomier.set(this.#buffer.subarray(0, at));
      this.#buffer = roomier;
    }
    return at;
  }
}

/** Reads what the writer wrote. Throws `DefinitionFormError` when the bytes hold something else. */
export class DefinitionReader {
  readonly #buffer: Buffer;
  #at: number;

  constructor(buffer: Buffer, from: number) {
    this.#buffer = buffer;
    this.#at = from;
  }

  /** To be called last. */
  end(): void {
    if (this.#at !== this.#buffer.length) throw new DefinitionFormError(`${this.#buffer.length - this.#at} bytes follow its last field`);
  }

  get atEnd(): boolean {
    return this.#at === this.#buffer.length;
  }

  octet(): number {
    return this.#buffer[this.#claim(1)]!;
  }

  flag(): boolean {
    const value = this.octet();
    if (value > 1) throw new DefinitionFormError('a flag is neither 0 nor 1');
    return value === 1;
  }

  count(): number {
    return this.#buffer.readUInt32BE(this.#claim(4));
  }

  number(): number {
    return this.#buffer.readDoubleBE(this.#claim(8));
  }

  signedLong(): bigint {
    return this.#buffer.readBigInt64BE(this.#claim(8));
  }

  unsignedLong(): bigint {
    return this.#buffer.readBigUInt64BE(this.#claim(8));
  }

  /** A copy: what was read does not keep all around it in memory. */
  bytes(): Buffer {
    const size = this.count();
    const at = this.#claim(size);
    return Buffer.from(this.#buffer.subarray(at, at + size));
  }

  text(): string {
    const size = this.count();
    const sizeBytes = size & SIZE_MAX;
    const at = this.#claim(sizeBytes);
    return this.#buffer.toString(size === sizeBytes ? 'utf8' : 'utf16le', at, at + sizeBytes);
  }

  #claim(sizeBytes: number): number {
    const at = this.#at;
    if (sizeBytes > this.#buffer.length - at) throw new DefinitionFormError('it ends within a field');
    this.#at += sizeBytes;
    return at;
  }
}
