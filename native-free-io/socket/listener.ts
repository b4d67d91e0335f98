import { createServer } from 'node:net';
import type { ListenOptions, Server, Socket } from 'node:net';

/** Where to listen and whom to call. */
export type ListenerOptions = {
  /** An address or a name of this machine, '127.0.0.1' or '::' for example. */
  readonly host: string;
  /** 0 lets the system choose; the listener tells which. */
  readonly port: number;
  /** Several threads listen on the same address and the kernel spreads the connections. See `reusePortAvailable`. */
  readonly reusePort?: boolean;
  /**
   * An inherited listening descriptor instead of host and port. Threads that share one close it for each other: they stop
   * together, and when one thread is lost, the descriptor is lost with it.
   */
  readonly fd?: number;
  /** Connections that may wait to be accepted. */
  readonly backlog?: number;
  /** A new connection: paused, without delay, with keep-alive, half-open allowed. Make a `SocketTransport` of it. */
  onSocket(socket: Socket): void;
  /** A connection could not be accepted (no descriptors left, for example); the listener goes on. */
  onAcceptFailed?(message: string): void;
};

/** Why there is no listener, with one sentence for the operator. */
export type ListenFailure = { readonly listening: false; readonly code: string; readonly message: string };

/** A listening socket of this thread. Closing it leaves the connections alone. */
export type Listener = {
  readonly listening: true;
  /** The port in use. */
  readonly port: number;
  /** The descriptor to share with threads that cannot reuse the port; undefined where the system has none. */
  readonly fd: number | undefined;
  /** Stops accepting: new connections are refused, or with an inherited descriptor closed as soon as they come. */
  suspend(): void;
  /** Accepts again, on the same port. Answers a failure when someone else has taken it. */
  resume(): Promise<Listener | ListenFailure>;
  /** Stops for good. */
  close(): void;
};

/** Connections that may wait to be accepted, unless the options say otherwise; Node's own default. */
export const BACKLOG = 511;
/** The first keep-alive probe leaves after this long a silence, milliseconds; a backstop behind AMQP's heartbeats. */
export const KEEP_ALIVE_DELAY_MS = 60_000;

/** Listens. Every failure is a value. */
export async function listen(options: ListenerOptions): Promise<Listener | ListenFailure> {
  let suspended = false;
  let closed = false;
  const server = createServer(
    { pauseOnConnect: true, allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS },
    (socket) => {
      if (suspended || closed) socket.destroy();
      else options.onSocket(socket);
    },
  );
  const failure = await open(server, options, options.port);
  if (failure !== undefined) return failure;
  server.on('error', (error) => {
    if (server.listening) options.onAcceptFailed?.(`A connection was not accepted: ${error.message}.`);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;

  const listener: Listener = {
    listening: true,
    port,
    fd: descriptorOf(server),
    suspend: () => {
      suspended = true;
      if (options.fd === undefined) server.close();
    },
    resume: async () => {
      if (!suspended || closed) return listener;
      const failure = server.listening ? undefined : await open(server, options, port);
      if (failure === undefined) suspended = false;
      if (closed) server.close();
      return failure ?? listener;
    },
    close: () => {
      closed = true;
      server.close();
    },
  };
  return listener;
}

/** Whether this system lets several threads listen on one port (Linux does, macOS and Windows do not). */
export async function reusePortAvailable(): Promise<boolean> {
  const probe = await listen({ host: '127.0.0.1', port: 0, reusePort: true, onSocket: (socket) => socket.destroy() });
  if (probe.listening) probe.close();
  return probe.listening;
}

function open(server: Server, options: ListenerOptions, port: number): Promise<ListenFailure | undefined> {
  const { host, fd, reusePort = false, backlog = BACKLOG } = options;
  const target: ListenOptions = fd === undefined ? { host, port, reusePort, backlog, exclusive: true } : ({ fd, backlog } as ListenOptions);
  const place = fd === undefined ? `${host.includes(':') ? `[${host}]` : host}:${port}` : `descriptor ${fd}`;
  return new Promise((resolve) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      server.off('listening', onListening);
      resolve(failureOf(error, place));
    };
    const onListening = (): void => {
      server.off('error', onError);
      resolve(undefined);
    };
    server.once('error', onError).once('listening', onListening);
    server.listen(target);
  });
}

/** The system's reasons, in words that say what to do. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'another program listens there'],
  ['EACCES', 'the system does not permit it to this user'],
  ['EADDRNOTAVAIL', 'this machine has no such address'],
  ['ENOTFOUND', 'the name of the host is not known'],
  ['ENOTSUP', 'this system cannot share a port among threads'],
  ['EINVAL', 'this is not a socket to listen on'],
]);

function failureOf(error: NodeJS.ErrnoException, place: string): ListenFailure {
  const code = error.code ?? 'UNKNOWN';
  return { listening: false, code, message: `Cannot listen on ${place}: ${REASONS.get(code) ?? error.message} (${code}).` };
}

function descriptorOf(server: Server): number | undefined {
  const fd = (server as unknown as { _handle: { fd?: number } | null })._handle?.fd;
  return fd !== undefined && fd >= 0 ? fd : undefined;
}
