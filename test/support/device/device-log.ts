/**
 * The log of device-shim.c, read back: each call on the device in the order of its end.
 *
 * ```
 * 0      1      2       4         8         16         24        32        40        48
 * | kind | flag | zero  | length  | file    | offset   | result  | start   | end     | payload (length bytes)
 * ```
 */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const HEADER_SIZE = 48;
const KINDS = ['', 'open', 'write', 'truncate', 'sync', 'rename', 'unlink', 'mark', 'fault', 'directory'] as const;
const CREATED = 1;
const DURABLE = 2;
const FAILED = 4;

type Timed = {
  /** When the call began and ended: CLOCK_MONOTONIC, as process.hrtime.bigint() tells it. */
  readonly startNs: bigint;
  readonly endNs: bigint;
};

/** What a call that should reach the device did: it did, it did not (and said so or was hidden), or it did not have to. */
export type Reach = 'durable' | 'failed' | 'cached';

export type DeviceRecord = Timed &
  (
    | { readonly kind: 'open'; readonly file: bigint; readonly path: string; readonly created: boolean; readonly sizeBytes: number }
    | { readonly kind: 'write'; readonly file: bigint; readonly offset: number; readonly bytes: Buffer; readonly reach: Reach }
    | { readonly kind: 'truncate'; readonly file: bigint; readonly sizeBytes: number }
    | { readonly kind: 'sync'; readonly file: bigint; readonly ofDirectory: boolean; readonly reach: Reach }
    | { readonly kind: 'rename'; readonly from: string; readonly to: string }
    | { readonly kind: 'unlink'; readonly path: string }
    | { readonly kind: 'directory'; readonly file: bigint; readonly path: string }
    | { readonly kind: 'mark' | 'fault'; readonly text: string }
  );

export type DeviceLog = readonly DeviceRecord[];

/** Reads `<path>.<pid>` of every process that wrote one. A last record that is not whole yet is left out. */
export function readDeviceLog(path: string): DeviceLog {
  const prefix = `${basename(path)}.`;
  const files = readdirSync(dirname(path)).filter((name) => name.startsWith(prefix));
  const logs = files.map((name) => parseDeviceLog(readFileSync(join(dirname(path), name))));
  if (logs.length === 1) return logs[0]!;
  return logs.flat().sort((left, right) => (left.endNs < right.endNs ? -1 : left.endNs > right.endNs ? 1 : 0));
}

function parseDeviceLog(bytes: Buffer): DeviceRecord[] {
  const records: DeviceRecord[] = [];
  for (let at = 0; at + HEADER_SIZE <= bytes.length; ) {
    const end = at + HEADER_SIZE + bytes.readUInt32LE(at + 4);
    if (end > bytes.length) break;
    records.push(recordOf(bytes.subarray(at, end)));
    at = end;
  }
  return records;
}

function recordOf(bytes: Buffer): DeviceRecord {
  const kind = KINDS[bytes[0]!];
  const flag = bytes[1]!;
  const file = bytes.readBigUInt64LE(8);
  const offset = Number(bytes.readBigInt64LE(16));
  const timed = { startNs: bytes.readBigUInt64LE(32), endNs: bytes.readBigUInt64LE(40) };
  const payload = bytes.subarray(HEADER_SIZE);
  const reach: Reach = (flag & DURABLE) !== 0 ? 'durable' : (flag & FAILED) !== 0 ? 'failed' : 'cached';
  switch (kind) {
    case 'open':
      return { kind, ...timed, file, path: payload.toString(), created: (flag & CREATED) !== 0, sizeBytes: offset };
    case 'write':
      return { kind, ...timed, file, offset, bytes: payload, reach };
    case 'truncate':
      return { kind, ...timed, file, sizeBytes: offset };
    case 'sync':
      return { kind, ...timed, file, ofDirectory: bytes.readBigInt64LE(24) === 1n, reach };
    case 'rename': {
      const [from = '', to = ''] = payload.toString().split('\0');
      return { kind, ...timed, from, to };
    }
    case 'unlink':
      return { kind, ...timed, path: payload.toString() };
    case 'directory':
      return { kind, ...timed, file, path: payload.toString() };
    case 'mark':
    case 'fault':
      return { kind, ...timed, text: payload.toString() };
    default:
      throw new Error(`the log of the device holds a record of the unknown kind ${bytes[0]}`);
  }
}
