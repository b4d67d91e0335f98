/**
 * What the messages of a chaos run look like. A body says by itself where it belongs and whether it is whole:
 *
 * ```
 * body   | stream (4) | sequence (4) | sent, ms since the run began (4) | fill | CRC-32 of all before (4) |
 * ```
 *
 * All numbers are unsigned and big-endian. A stream is what one channel sends to one queue; its sequence begins with 1.
 */
import { crc32 } from 'node:zlib';
import type { SeededRandom } from './seeded-random.ts';

/** The smallest body: no fill. */
export const BODY_SIZE_MIN = 16;
/** The largest body, where nothing else is said. */
export const BODY_SIZE_MAX = 65_536;

const CHECKSUM_SIZE = 4;
/** Fill is cut from a pool of noise at a random place: drawing every byte would cost more than the broker's own work. */
const NOISE_SIZE = 2 * BODY_SIZE_MAX;

export type BodyHead = { readonly stream: number; readonly sequence: number; readonly sentMs: number; readonly checksum: number };

export class BodyWriter {
  readonly #random: SeededRandom;
  readonly #sizeMax: number;
  readonly #noise: Buffer;

  constructor(random: SeededRandom, sizeMax = BODY_SIZE_MAX) {
    this.#random = random;
    this.#sizeMax = sizeMax;
    this.#noise = Buffer.allocUnsafe(NOISE_SIZE);
    for (let at = 0; at < NOISE_SIZE; at += 4) this.#noise.writeUInt32LE(random.below(0x1_0000_0000), at);
  }

  /** A new body of a size drawn so that every order of magnitude is as likely as another. */
  write(stream: number, sequence: number, sentMs: number): Buffer {
    const sizeBytes = Math.floor(BODY_SIZE_MIN * (this.#sizeMax / BODY_SIZE_MIN) ** this.#random.fraction());
    const body = Buffer.allocUnsafe(sizeBytes);
    body.writeUInt32BE(stream, 0);
    body.writeUInt32BE(sequence, 4);
    body.writeUInt32BE(Math.max(0, Math.floor(sentMs)) >>> 0, 8);
    const fillBytes = sizeBytes - BODY_SIZE_MIN;
    this.#noise.copy(body, 12, this.#random.below(NOISE_SIZE - fillBytes), NOISE_SIZE);
    body.writeUInt32BE(crc32(body.subarray(0, sizeBytes - CHECKSUM_SIZE)), sizeBytes - CHECKSUM_SIZE);
    return body;
  }
}

/** The checksum that a body carries. */
export function checksumOf(body: Buffer): number {
  return body.readUInt32BE(body.length - CHECKSUM_SIZE);
}

/** Undefined: these bytes are no whole body. */
export function readBody(body: Buffer): BodyHead | undefined {
  if (body.length < BODY_SIZE_MIN) return undefined;
  const checksum = checksumOf(body);
  if (crc32(body.subarray(0, body.length - CHECKSUM_SIZE)) !== checksum) return undefined;
  return { stream: body.readUInt32BE(0), sequence: body.readUInt32BE(4), sentMs: body.readUInt32BE(8), checksum };
}
