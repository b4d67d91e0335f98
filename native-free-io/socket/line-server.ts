/**
 * Questions and answers, a line each, over a socket in the file system that only its owner can open. For operators' tools:
 * few connections, small questions, and nobody who can hold it up.
 */
import { chmodSync, rmSync } from 'node:fs';
import { type Socket, createServer } from 'node:net';
import { socketPath } from '../file/socket-path.ts';

/** A question may be this long, bytes without its line end; the connection with a longer one is cut. */
export const QUESTION_SIZE_MAX = 65_536;
/** Connections at once; the next one is cut. */
export const LINE_CONNECTIONS_MAX = 16;
/** A connection that says nothing, or does not read its answer, for so long is cut, milliseconds. Who waits for an answer may wait for long. */
export const LINE_IDLE_MS = 10_000;

const OWNER_ONLY = 0o600;
const LINE_END = 0x0a;

export type LineServer = {
  /** Cuts all connections and removes the socket. A second call does nothing. */
  close(): void;
};

/**
 * Listens on the socket `name` in `directory`; one that a dead process left there is taken over, so the caller must hold the
 * directory. `answer` gets a line and resolves to a line; both are UTF-8 without the line end. It must not reject. Rejects when the
 * system does not let it listen. It does not keep the process alive.
 */
export async function serveLines(directory: string, name: string, answer: (line: string) => Promise<string>, idleMs: number = LINE_IDLE_MS): Promise<LineServer> {
  const address = socketPath(directory, name);
  if (address === undefined) throw new Error(`the path of ${directory} is too long for a socket in it`);
  const connections = new Set<Socket>();
  // Half-open: who asks and closes its side at once still gets the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    if (connections.size >= LINE_CONNECTIONS_MAX) return void socket.destroy();
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    converse(socket, answer, idleMs);
  });
  try {
    rmSync(address.path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(address.path, resolve);
    });
    server.removeAllListeners('error').on('error', () => {
      // A connection that could not be accepted: its peer sees it, and the next one may be luckier.
    });
    chmodSync(address.path, OWNER_ONLY);
  } catch (error) {
    server.close();
    address.release();
    throw error;
  }
  server.unref();
  let closed = false;
  return {
    close: () => {
      if (closed) return;
      closed = true;
      // Removes the file too.
      server.close();
      for (const socket of connections) socket.destroy();
      address.release();
    },
  };
}

/** One question after the other: while one is answered the socket is not read. */
function converse(socket: Socket, answer: (line: string) => Promise<string>, idleMs: number): void {
  let rest: Buffer = Buffer.alloc(0);
  let answering = false;
  let ended = false;
  const next = (): void => {
    const end = rest.indexOf(LINE_END);
    if (end > QUESTION_SIZE_MAX || (end < 0 && rest.length > QUESTION_SIZE_MAX)) return void socket.destroy();
    if (answering) return;
    if (end < 0) return void (ended && socket.end());
    const line = rest.toString('utf8', 0, end);
    rest = rest.subarray(end + 1);
    answering = true;
    socket.pause();
    socket.setTimeout(0);
    void answer(line).then((text) => {
      if (socket.destroyed) return;
      socket.setTimeout(idleMs);
      socket.write(`${text}\n`, () => {
        answering = false;
        socket.resume();
        next();
      });
    });
  };
  socket.unref();
  socket.setTimeout(idleMs).on('timeout', () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('end', () => {
    ended = true;
    next();
  });
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    next();
  });
}
