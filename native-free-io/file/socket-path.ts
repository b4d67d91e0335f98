import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';

/** What the address of a local socket holds on Linux and macOS, bytes with a margin (`sun_path`: 108 and 104). */
const SOCKET_PATH_SIZE_MAX = 100;

/** A path that fits into the address of a local socket; `release` it when the socket is bound or connected. */
export type SocketPath = { readonly path: string; release(): void };

/**
 * The path of the socket `name` in a directory. One that is too long is reached through a descriptor of the directory where the
 * system has such paths (Linux); undefined where it has not, or where there is no such directory.
 */
export function socketPath(directory: string, name: string): SocketPath | undefined {
  const path = join(directory, name);
  if (Buffer.byteLength(path) <= SOCKET_PATH_SIZE_MAX) return { path, release: () => {} };
  if (process.platform !== 'linux') return undefined;
  try {
    const descriptor = openSync(directory, 'r');
    return { path: `/proc/self/fd/${descriptor}/${name}`, release: () => closeSync(descriptor) };
  } catch {
    return undefined;
  }
}
