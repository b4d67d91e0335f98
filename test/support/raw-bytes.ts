/**
 * AMQP's elementary types, written and read by hand. Nothing here comes from the broker's sources, so that a mistake there
 * is not mirrored in its judge.
 *
 * Letters of a method's layout: o octet, s short, l long, L longlong, $ shortstr, S longstr (bytes), T table (its bytes,
 * without the length), b bit; adjacent bits share an octet, lowest first.
 */
export type LayoutLetter = 'o' | 's' | 'l' | 'L' | '$' | 'S' | 'T' | 'b';

export type LetterValue = { o: number; s: number; l: number; L: number; $: string; S: Buffer; T: Buffer; b: boolean };

export type Layout = Readonly<Record<string, LayoutLetter>>;

export type FieldsOf<L extends Layout> = { -readonly [K in keyof L]: LetterValue[L[K]] };

export function octet(value: number): Buffer {
  return Buffer.of(value);
}

export function short(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function long(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function longlong(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export function shortstr(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([octet(bytes.length), bytes]);
}

export function longstr(content: string | Buffer): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([long(bytes.length), bytes]);
}

/** Reads forward through one frame's payload; reading past its end throws, which fails the test. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Buffer {
    if (length > this.remaining) throw new RangeError(`${length} bytes wanted, ${this.remaining} left`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  octet(): number {
    return this.take(1).readUInt8();
  }

  short(): number {
    return this.take(2).readUInt16BE();
  }

  long(): number {
    return this.take(4).readUInt32BE();
  }

  longlong(): number {
    return Number(this.take(8).readBigUInt64BE());
  }

  shortstr(): string {
    return this.take(this.octet()).toString();
  }

  longstr(): Buffer {
    return this.take(this.long());
  }
}

/** The bytes of a method's arguments; fields left out are zero, empty or false. */
export function encodeFields<L extends Layout>(layout: L, fields: Partial<FieldsOf<L>>): Buffer {
  const parts: Buffer[] = [];
  let bits = 0;
  let bitCount = 0;
  const endBits = (): void => {
    if (bitCount > 0) parts.push(octet(bits));
    bits = bitCount = 0;
  };
  for (const [name, letter] of Object.entries(layout)) {
    const value: unknown = fields[name];
    if (letter === 'b') {
      bits |= value === true ? 1 << bitCount : 0;
      bitCount += 1;
      continue;
    }
    endBits();
    if (letter === '$') parts.push(shortstr(typeof value === 'string' ? value : ''));
    else if (letter === 'S' || letter === 'T') parts.push(longstr(Buffer.isBuffer(value) ? value : ''));
    else parts.push({ o: octet, s: short, l: long, L: longlong }[letter](typeof value === 'number' ? value : 0));
  }
  endBits();
  return Buffer.concat(parts);
}

/** The arguments in these bytes. Throws when bytes are missing or left over. */
export function decodeFields<L extends Layout>(layout: L, bytes: Buffer): FieldsOf<L> {
  const reader = new ByteReader(bytes);
  const fields: Record<string, unknown> = {};
  let bits = 0;
  let bitCount = 0;
  for (const [name, letter] of Object.entries(layout)) {
    if (letter === 'b') {
      if (bitCount === 0) bits = reader.octet();
      fields[name] = (bits & (1 << bitCount)) !== 0;
      bitCount += 1;
      continue;
    }
    bitCount = 0;
    if (letter === 'o') fields[name] = reader.octet();
    else if (letter === 's') fields[name] = reader.short();
    else if (letter === 'l') fields[name] = reader.long();
    else if (letter === 'L') fields[name] = reader.longlong();
    else if (letter === '$') fields[name] = reader.shortstr();
    else fields[name] = reader.longstr();
  }
  if (reader.remaining > 0) throw new RangeError(`${reader.remaining} bytes left over after the arguments`);
  return fields as FieldsOf<L>;
}
