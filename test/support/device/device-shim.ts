/** Builds the library that stands between a program and its device (device-shim.c), and gives orders to it. Linux with gcc only. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDeviceLog } from './device-log.ts';
import type { DeviceLog } from './device-log.ts';

const SOURCE = join(import.meta.dirname, 'device-shim.c');
const FLAGS = ['-O2', '-Wall', '-Wextra', '-Werror', '-Wno-nonnull-compare', '-shared', '-fPIC', '-pthread'];

/** Why there can be no shim on this machine; undefined when there can. */
export function whyNoDeviceShim(): string | undefined {
  if (process.platform !== 'linux') return `LD_PRELOAD is not known on ${process.platform}`;
  return spawnSync('gcc', ['--version']).status === 0 ? undefined : 'gcc is not installed (Debian: apt-get install gcc libc6-dev)';
}

/** What an order is about: any write, one that makes the file longer, a flush, a synchronous write, either of these two, a question for room. */
export type FaultyCall = 'write' | 'growth' | 'flush' | 'direct' | 'sync' | 'room';
/** An error; `short`: half is written, then the device is full; `hide`: the device has nothing, the program is told that all is well. */
export type Fault = 'ENOSPC' | 'EIO' | 'short' | 'hide';

/**
 * A directory that plays the device, and beside it the log, the marks and the orders.
 *
 * ```
 * <root>/shim.so    <root>/device/...    <root>/log.<pid>    <root>/marks    <root>/orders
 * ```
 */
export class FaultyDevice {
  readonly root: string;
  /** Files below it are recorded and can be made to fail. */
  readonly directory: string;
  /** What is written here becomes a mark in the log. */
  readonly marksPath: string;
  readonly #library: string;
  readonly #ordersPath: string;
  #orders = 0;

  private constructor(root: string, library: string) {
    this.root = root;
    this.#library = library;
    this.directory = join(root, 'device');
    this.marksPath = join(root, 'marks');
    this.#ordersPath = join(root, 'orders');
    mkdirSync(this.directory);
    writeFileSync(this.marksPath, '');
  }

  /** Errors: gcc is missing or does not take the source. */
  static make(): FaultyDevice {
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'leveret-device-')));
    return new FaultyDevice(root, deviceLibrary());
  }

  /** What a program needs in its environment to run on this device. `only`: the ending of the files that orders are about. */
  environment(only = ''): Record<string, string> {
    return {
      LD_PRELOAD: this.#library,
      DEVICE_SHIM_DIR: this.directory,
      DEVICE_SHIM_LOG: join(this.root, 'log'),
      DEVICE_SHIM_MARKS: this.marksPath,
      DEVICE_SHIM_ORDERS: this.#ordersPath,
      DEVICE_SHIM_ONLY: only,
    };
  }

  /** From now on: the `nth` such call (1 is the next), or that and all later ones until `relieve`. */
  order(call: FaultyCall, nth: number, fault: Fault, extent: 'once' | 'on'): void {
    // A new file each time: the shim knows orders by their inode and time.
    const fresh = `${this.#ordersPath}.${++this.#orders}`;
    writeFileSync(fresh, `${call} ${nth} ${fault} ${extent}`);
    renameSync(fresh, this.#ordersPath);
  }

  /** The device is well again. */
  relieve(): void {
    rmSync(this.#ordersPath, { force: true });
  }

  /** What has happened so far. */
  log(): DeviceLog {
    return readDeviceLog(join(this.root, 'log'));
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

let library: string | undefined;

/** The compiled library; built once in a process. */
function deviceLibrary(): string {
  if (library !== undefined && existsSync(library)) return library;
  const folder = mkdtempSync(join(tmpdir(), 'leveret-shim-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const built = join(folder, 'device-shim.so');
  const outcome = spawnSync('gcc', [...FLAGS, '-o', built, SOURCE], { encoding: 'utf8' });
  if (outcome.status !== 0) throw new Error(`gcc does not build ${SOURCE}:\n${outcome.error?.message ?? outcome.stderr}`);
  return (library = built);
}
