/** What a `ReadTarget` does with bytes that were not asked for by `fill`: they are valid during the call only. */
export type OnBytes = (buffer: Buffer, length: number) => void;

/**
 * Where the next bytes of one socket go: into the read buffer that all sockets of a thread share, or, after `fill`,
 * straight into the given memory until it is full.
 *
 *     next()  -> memory for the next read          taken(memory, length) <- what was read
 *
 * Whoever reads into memory of its own (a socket that hands out chunks) calls `taken` with that; the bytes are then copied
 * to where they belong, so both ways of reading behave alike.
 */
export class ReadTarget {
  readonly #shared: Buffer;
  readonly #onBytes: OnBytes;
  #destination: Uint8Array | undefined;
  #filledBytes = 0;
  #onFilled: () => void = () => {};
  /** The part of the destination that was handed out for the read in progress. */
  #handedOut: Uint8Array | undefined;
  #closed = false;

  /** @param shared the thread's read buffer; its contents last for one call of `onBytes`. */
  constructor(shared: Buffer, onBytes: OnBytes) {
    this.#shared = shared;
    this.#onBytes = onBytes;
  }

  /**
   * The next bytes go to `destination` until it is full; then `onFilled` is called, which may ask for the next filling.
   * Asking for an empty or a second destination while one is being filled is a broken invariant.
   */
  fill(destination: Uint8Array, onFilled: () => void): void {
    if (this.#destination !== undefined) throw new Error('a destination is being filled already');
    if (destination.length === 0) throw new Error('a destination without room cannot be filled');
    this.#destination = destination;
    this.#filledBytes = 0;
    this.#onFilled = onFilled;
  }

  /** Whether a destination is being filled. */
  get filling(): boolean {
    return this.#destination !== undefined;
  }

  /** Memory for the next read. */
  next(): Uint8Array {
    this.#handedOut = this.#destination?.subarray(this.#filledBytes);
    return this.#handedOut ?? this.#shared;
  }

  /** `length` bytes were read into the beginning of `memory`, which `next` handed out, or into memory of the reader's own. */
  taken(memory: Uint8Array, length: number): void {
    if (this.#closed) return;
    if (memory === this.#handedOut) {
      this.#handedOut = undefined;
      this.#advance(length);
      return;
    }
    let at = 0;
    while (at < length && this.#destination !== undefined) {
      const size = Math.min(length - at, this.#destination.length - this.#filledBytes);
      this.#destination.set(memory.subarray(at, at + size), this.#filledBytes);
      at += size;
      this.#advance(size);
      if (this.#closed) return;
    }
    if (at < length) this.#onBytes(bufferOf(memory, at, length), length - at);
  }

  /** No callback is made any more, and the destination is forgotten. */
  close(): void {
    this.#closed = true;
    this.#destination = undefined;
  }

  #advance(length: number): void {
    this.#filledBytes += length;
    if (this.#destination === undefined || this.#filledBytes < this.#destination.length) return;
    this.#destination = undefined;
    this.#onFilled();
  }
}

/** The bytes from `at` on as a Buffer; the very same object where nothing has to be cut, which is the usual case. */
function bufferOf(memory: Uint8Array, at: number, length: number): Buffer {
  if (at === 0 && Buffer.isBuffer(memory)) return memory;
  return Buffer.from(memory.buffer, memory.byteOffset + at, length - at);
}
