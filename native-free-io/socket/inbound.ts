import { Socket } from 'node:net';
import { ReadTarget } from './read-target.ts';
import type { OnBytes } from './read-target.ts';

/**
 * The size of the one read buffer of a thread, bytes. Measured over the loopback (Node 24, 2 cores, sender in a process of
 * its own, median of 5 runs of 1 to 1.5 GB; every 130th byte is looked at; processor time of the reader for a gigabyte, ms):
 *
 * |                     | 'data' event | 64 KiB | 128 KiB | 256 KiB | 512 KiB | 1 MiB |
 * |---------------------|--------------|--------|---------|---------|---------|-------|
 * | 130 B in 16 KB      | 391          | 215    | 222     | 215     | 219     | 218   |
 * | 64 KiB writes       | 327          | 157    | 126     | 127     | 122     | 140   |
 * | 1 MiB writes        | 307          | 83     | 99      | 110     | 112     | 109   |
 *
 * With the 'data' event the collector ran 26 to 42 times (22 to 74 ms) in a run, with a reused buffer at most once. More
 * than 128 KiB gains nothing, because one read seldom finds more.
 */
export const READ_BUFFER_SIZE_BYTES = 128 * 1024;

/** How a socket is read: into the thread's reused buffer, or by 'data' events with a fresh buffer for every read. */
export type ReadMode = 'reused' | 'data';

/**
 * The reading side of one accepted socket. Bytes are handed out during the read only; a reader that needs them later
 * copies them. Nothing is read before the first `resume`.
 */
export class Inbound {
  /** The socket to write to and to close; not always the one that was accepted. */
  readonly socket: Socket;
  readonly mode: ReadMode;
  readonly #target: ReadTarget;
  #paused = true;
  /**
   * Node ends `resume` in the next tick, and with `onread` that starts the handle again, even if `pause` came in between.
   * So a pause is repeated after that tick, which is before anything is read.
   */
  readonly #pauseAgain = (): void => {
    if (this.#paused) this.socket.pause();
  };

  /**
   * @param accepted a paused socket (`pauseOnConnect`) that nobody else uses any more.
   * @param readBuffer the thread's read buffer, shared by all its sockets.
   */
  constructor(accepted: Socket, readBuffer: Buffer, onBytes: OnBytes, mode: ReadMode = 'reused') {
    this.#target = new ReadTarget(readBuffer, onBytes);
    const target = this.#target;
    const adopted = mode === 'reused' ? adopt(accepted, target) : undefined;
    this.mode = adopted === undefined ? 'data' : 'reused';
    this.socket = adopted ?? accepted;
    if (adopted === undefined) accepted.on('data', (chunk: Buffer) => target.taken(chunk, chunk.length));
    if (adopted === undefined) accepted.pause();
  }

  /** Stops reading, so that the peer's window closes. What was read already is still delivered in the current turn. */
  pause(): void {
    this.#paused = true;
    this.socket.pause();
    process.nextTick(this.#pauseAgain);
  }

  /** Reads on (or begins). */
  resume(): void {
    this.#paused = false;
    this.socket.resume();
  }

  /**
   * The next bytes go straight into `destination` (shared memory, for example) until it is full; then `onFilled` is called,
   * which may ask again. Meant for calls from `onBytes` and `onFilled`; from elsewhere the first read may be copied. The
   * destination is the transport's until `onFilled`, `discard` or the end of the socket.
   *
   * Worth it for bodies of several frames; the caller asks for a body frame's payload, then for the 8 bytes up to the next
   * payload. Against copying out of the read buffer (bench/micro/socket.ts, medians of 5): 1 MiB bodies 4.9 -> 5.6 GB/s and
   * 185 -> 117 ms of processor time for a gigabyte; 64 KiB bodies 3.9 -> 4.1 GB/s and 194 -> 170 ms, which a loaded machine
   * turns into a loss, because there are more reads.
   */
  readInto(destination: Uint8Array, onFilled: () => void): void {
    this.#target.fill(destination, onFilled);
  }

  /** Bytes that still arrive are dropped. The socket may go on reading, so that the peer's end of stream is seen. */
  discard(): void {
    const filling = this.#target.filling;
    this.#target.close();
    // The handle keeps the memory of its next read. It must not write into a destination that is the caller's again.
    if (filling && this.mode === 'reused') (this.socket as unknown as WithHandle)._handle?.useUserBuffer(this.#target.next());
  }
}

/** What this module touches of a socket's libuv handle, which Node does not document. */
type Handle = { useUserBuffer(memory: Uint8Array): void };
type WithHandle = { _handle: Handle | null };

/**
 * Moves the connection to a new socket with the `onread` option, which Node offers to sockets that connect but not to
 * accepted ones. Answers undefined, and leaves `accepted` as it was, where Node's inner parts are not as expected.
 */
function adopt(accepted: Socket, target: ReadTarget): Socket | undefined {
  const shell = accepted as unknown as WithHandle;
  const handle = shell._handle;
  // A socket of another class (TLS) has a handle of another kind, which would hand out what it has not deciphered.
  if (Object.getPrototypeOf(accepted) !== Socket.prototype) return undefined;
  if (handle === null || typeof handle.useUserBuffer !== 'function') return undefined;
  const options = {
    handle,
    manualStart: true,
    allowHalfOpen: true,
    onread: {
      buffer: () => target.next(),
      callback: (length: number, memory: Uint8Array) => {
        target.taken(memory, length);
        return true;
      },
    },
  };
  const socket = new Socket(options as object);
  // The empty shell only tells its server that one connection less is its concern; the handle lives on in the new socket.
  shell._handle = null;
  accepted.destroy();
  return socket;
}
