/** Files between cache and device while a log is replayed. The rules stand in power-loss-image.ts. */
import { CachedFile } from './cached-file.ts';
import type { SectorSurvival } from './cached-file.ts';
import type { DeviceRecord } from './device-log.ts';

export type Survival = SectorSurvival & {
  /** How many of so many uncertain changes of names survive, from the first on. */
  names(count: number): number;
};

type NameChange = { readonly endNs: bigint; apply(names: Map<string, CachedFile>): void };

export class DeviceCache {
  readonly #namesNeedSyncOf: 'anything' | 'directory';
  /** By inode, whoever bears the number now. */
  readonly #files = new Map<bigint, CachedFile>();
  readonly #certainNames = new Map<string, CachedFile>();
  #uncertainNames: NameChange[] = [];

  constructor(namesNeedSyncOf: 'anything' | 'directory') {
    this.#namesNeedSyncOf = namesNeedSyncOf;
  }

  /** A call that has ended. */
  take(record: DeviceRecord): void {
    switch (record.kind) {
      case 'open':
        return this.#open(record.path, record.file, record.created, record.sizeBytes, record.endNs);
      case 'write': {
        this.#fileOf(record.file).write(record.offset, record.bytes, record.endNs, record.reach);
        if (record.reach === 'durable') this.#barrier(false, record.startNs);
        return;
      }
      case 'truncate':
        return this.#fileOf(record.file).resize(record.sizeBytes, record.endNs);
      case 'sync': {
        const file = record.ofDirectory ? undefined : this.#fileOf(record.file);
        if (record.reach === 'failed') file?.doom();
        if (record.reach !== 'durable') return;
        file?.flush(record.startNs);
        return this.#barrier(record.ofDirectory, record.startNs);
      }
      case 'rename': {
        const { from, to } = record;
        return this.#rename(record.endNs, (names) => {
          const file = names.get(from);
          names.delete(from);
          if (file !== undefined) names.set(to, file);
        });
      }
      case 'unlink':
        return this.#rename(record.endNs, (names) => names.delete(record.path));
      case 'directory':
      case 'mark':
      case 'fault':
        return;
    }
  }

  /** A call that was under way: what it writes may be there. */
  takeUnfinished(record: DeviceRecord): void {
    if (record.kind === 'write') this.#files.get(record.file)?.write(record.offset, record.bytes, record.endNs, 'cached');
    else if (record.kind === 'truncate' || record.kind === 'rename' || record.kind === 'unlink') this.take(record);
  }

  /** Paths and contents as they may be found when the power is back. */
  afterPowerLoss(survival: Survival): Map<string, Buffer> {
    const names = new Map(this.#certainNames);
    for (const change of this.#uncertainNames.slice(0, survival.names(this.#uncertainNames.length))) change.apply(names);
    return new Map([...names].map(([path, file]) => [path, file.afterPowerLoss(survival)]));
  }

  #open(path: string, inode: bigint, created: boolean, sizeBytes: number, endNs: bigint): void {
    if (!created && this.#files.has(inode)) return;
    if (sizeBytes > 0) throw new Error(`${path} has ${sizeBytes} bytes whose writing was not recorded`);
    const file = new CachedFile();
    this.#files.set(inode, file);
    this.#rename(endNs, (names) => names.set(path, file));
  }

  #fileOf(inode: bigint): CachedFile {
    const file = this.#files.get(inode);
    if (file === undefined) throw new Error(`the log of the device writes to inode ${inode}, which was never opened`);
    return file;
  }

  #rename(endNs: bigint, apply: NameChange['apply']): void {
    this.#uncertainNames.push({ endNs, apply });
  }

  #barrier(ofDirectory: boolean, startNs: bigint): void {
    if (this.#namesNeedSyncOf === 'directory' && !ofDirectory) return;
    const isCertain = (change: NameChange): boolean => change.endNs <= startNs;
    for (const change of this.#uncertainNames) if (isCertain(change)) change.apply(this.#certainNames);
    this.#uncertainNames = this.#uncertainNames.filter((change) => !isCertain(change));
  }
}
