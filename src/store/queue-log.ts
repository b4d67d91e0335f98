import { FIRST_EXTENDED, extend } from './extended-position.ts';
import type { DiskChange } from './port.ts';
import { type QueueRecord, queueRecordChange } from './queue-record.ts';
import { SegmentChain } from './segment-chain.ts';
import { QueuePart, queueKey } from './store-keys.ts';
import type { StoreTools } from './store-tools.ts';

/** All that the store keeps for one queue. */
export class QueueLog {
  readonly id: number;
  readonly title: string;
  readonly kept: SegmentChain;
  readonly paged: SegmentChain;
  readonly #tools: StoreTools;
  /** The record that stands on the disk. */
  written: QueueRecord | undefined;
  /** Kept messages up to this extended position count as delivered before. */
  redelivered = 0;
  /** It has something for the next commit. */
  touched = false;
  /** A record stands on the disk, sound or not. */
  recorded = false;
  /** What recovery found wrong. The record is left as it stands then, so that it stays noticeable. */
  #damage: string | undefined;
  #prepared: QueueRecord | undefined;

  constructor(id: number, tools: StoreTools) {
    this.id = id;
    this.title = `Queue ${id}`;
    this.kept = new SegmentChain(queueKey(id, QueuePart.kept), this.title, tools);
    this.paged = new SegmentChain(queueKey(id, QueuePart.paged), this.title, tools);
    this.#tools = tools;
  }

  get damage(): string | undefined {
    return this.#damage ?? this.kept.damage ?? this.paged.damage;
  }

  /** Something does not add up. `what` ends the sentence. */
  noteDamage(what: string): void {
    this.#damage ??= `${this.title} is damaged: ${what}.`;
  }

  /** Whether it has messages, on the disk or waiting for it. */
  get holding(): boolean {
    return this.kept.live + this.paged.live + this.kept.collected + this.paged.collected > 0;
  }

  get nextPosition(): number {
    const last = Math.max(this.kept.last, this.paged.last);
    return last === -1 ? 0 : (last + 1) | 0;
  }

  extend(position: number): number {
    const near = Math.max(this.kept.last, this.paged.last);
    return near === -1 ? FIRST_EXTENDED + position : extend(position, near);
  }

  settle(from: number, to: number): void {
    this.kept.settle(from, to);
    this.paged.settle(from, to);
  }

  prepare(changes: DiskChange[]): void {
    this.kept.prepare(changes);
    this.paged.prepare(changes);
    const { live, segments } = this.kept.next;
    const { written } = this;
    const next = { live, segments, redelivered: live === 0 ? 0 : this.redelivered };
    const same = (written?.live ?? 0) === live && (written?.segments ?? 0) === segments && (written?.redelivered ?? 0) === next.redelivered;
    this.#prepared = same || this.#damage !== undefined ? undefined : next;
    if (this.#prepared !== undefined) changes.push(queueRecordChange(this.#tools.crc32, this.id, next));
  }

  /** Whether the commit writes the first record of this queue. */
  get newcomer(): boolean {
    return !this.recorded && this.#prepared !== undefined;
  }

  applied(): void {
    this.kept.applied();
    this.paged.applied();
    if (this.#prepared !== undefined) {
      this.written = this.#prepared;
      this.recorded = true;
    }
    this.abandoned();
    this.touched = false;
  }

  abandoned(): void {
    this.kept.abandoned();
    this.paged.abandoned();
    this.#prepared = undefined;
  }

  drop(): void {
    this.kept.drop();
    this.paged.drop();
  }
}
