/** The queues of a store that is only looked into: every message is read once, so that whatever is damaged shows. */
import { crc32 } from 'node:zlib';
import type { Disk, StoreMemory } from '../../store/port.ts';
import { STORE_FORMAT } from '../../store/store-record.ts';
import { AppendFlag, Store, type StoredEntry } from '../../store/store.ts';
import { surveyTimeline } from '../../store/timeline-survey.ts';
import { type MessageView, viewMessage } from './message-view.ts';

/** Positions that one read asks for. */
const READ_MAX = 256;
/** In place of an address: the message cannot be read. */
const UNREADABLE = -1;

export type StoredQueue = {
  readonly messages: number;
  /** Of their records, which hold a little more than header and body. */
  readonly bytes: number;
  /** That the next start would hand out as delivered before; null while a node runs, which knows better. */
  readonly redelivered: number | null;
  readonly segments: number;
  readonly damage: string | null;
};

export const NOTHING_STORED: StoredQueue = { messages: 0, bytes: 0, redelivered: 0, segments: 0, damage: null };

/** Keeps the record that was read last. */
class OneRecord implements StoreMemory {
  last: Buffer = Buffer.alloc(0);

  write(record: Uint8Array): number {
    this.last = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
    return 1;
  }

  recordOf(): never {
    return nothingAppended();
  }

  sizeOf(): never {
    return nothingAppended();
  }

  copy(): never {
    return nothingAppended();
  }

  release(): void {}

  placeOf(): number {
    return 0;
  }

  setPlace(): void {}
}

function nothingAppended(): never {
  throw new Error('assertion failed: nothing is appended to a store that is only looked into');
}

export class StoredQueues {
  readonly format = STORE_FORMAT;
  readonly clean: boolean;
  readonly faults: readonly string[];
  readonly #disk: Disk;
  readonly #store: Store;
  readonly #record = new OneRecord();
  readonly #segments: ReadonlyMap<number, number>;
  readonly sharedSegments: number;

  /** Throws StoreFormatError for a store of another version. */
  constructor(disk: Disk) {
    this.#disk = disk;
    this.#store = new Store(disk, this.#record, crc32);
    ({ clean: this.clean, faults: this.faults } = this.#store.open());
    const { queues, sharedSegments } = this.#store.describe();
    this.#segments = new Map(queues.map(({ queue, kept }) => [queue, kept.segments]));
    this.sharedSegments = sharedSegments;
  }

  /** Ids of queues that hold something, or held what cannot be found. */
  ids(): number[] {
    return [...this.#store.queues()];
  }

  /** Reads all that a delayed exchange holds back, under the id of its timeline. */
  examineTimeline(id: number): StoredQueue {
    const { messages, bytes, moments, damage } = surveyTimeline(this.#disk, crc32, id);
    return { messages, bytes, redelivered: 0, segments: moments, damage: damage ?? null };
  }

  /** Reads all of a queue. */
  examine(queue: number): StoredQueue {
    const sum = { messages: 0, bytes: 0, redelivered: 0 };
    const positions = new Int32Array(READ_MAX);
    let waiting = 0;
    const read = (): void => {
      this.#store.read(queue, positions, waiting, () => {});
      waiting = 0;
    };
    for (const { position, flags, sizeBytes } of this.#store.inventory(queue)) {
      sum.messages++;
      sum.bytes += sizeBytes;
      if ((flags & AppendFlag.redelivered) !== 0) sum.redelivered++;
      positions[waiting++] = position;
      if (waiting === READ_MAX) read();
    }
    read();
    return { ...sum, segments: this.#segments.get(queue) ?? 0, damage: this.#store.damageOf(queue) ?? null };
  }

  /** The first messages of a queue; of one that cannot be read only where it stands. */
  messages(queue: number, limit: number): (MessageView | { readonly position: number; readonly damage: string })[] {
    const views: (MessageView | { readonly position: number; readonly damage: string })[] = [];
    for (const entry of this.#store.inventory(queue)) {
      if (views.length === limit) break;
      views.push(this.#message(queue, entry));
    }
    return views;
  }

  #message(queue: number, entry: StoredEntry): MessageView | { readonly position: number; readonly damage: string } {
    let found = UNREADABLE;
    this.#store.read(queue, Int32Array.of(entry.position), 1, (_position, address) => (found = address));
    if (found !== UNREADABLE) return viewMessage(entry, this.#record.last);
    return { position: entry.position, damage: this.#store.damageOf(queue) ?? 'it is missing' };
  }
}
