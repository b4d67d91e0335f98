/**
 * What the simulated clients know of every message: the oracle. A message that was published and not confirmed may be there or
 * not; one that was confirmed is there until somebody settled it; content and order are what was sent.
 */
import type { SimRandom } from './sim-random.ts';
import { diedIn, retryWaitMs } from './sim-queue.ts';

/** A message in one queue. */
export type Entry = {
  readonly publisher: number;
  readonly sequence: number;
  readonly queue: string;
  readonly size: number;
  readonly persistent: boolean;
  /** The process that it was published to. */
  readonly life: number;
  confirmed: 'no' | 'ack' | 'nack';
  /** It came to somebody unmarked: whoever else gets it, before or after, gets it as redelivered. */
  fresh: boolean;
  /** A client said that it is done with it: an acknowledgement, or a reject without requeue. */
  settled: boolean;
  /** When it was certain that the broker had read the settle, in steps of the simulation, and no queue had crashed before. */
  goneAt: number;
  /** It is gone, and the end of a process does not bring it back. */
  goneForGood: boolean;
  /** It was rejected where that makes a dead letter: it is there, or its letter is where that goes. */
  dead: boolean;
  /** It is the dead letter of this one. Crashes make it twice, in whatever order: what is certain is that there is one, what it holds, and that the other is marked. */
  readonly of: Entry | undefined;
  /** It was held back, and must not come earlier. What ends while it is going out brings it twice, one of them marked, and in whatever order. */
  readonly dueMs: number | undefined;
  /** How often a client gave it back, as far as the process that runs must know; until when it waits at least because of the last time, and in which process. */
  returns: number;
  backMs: number;
  backLife: number;
};

/** Whether the order in which it was published is that in which it comes. */
export function isInOrder({ of, dueMs }: Entry): boolean {
  return of === undefined && dueMs === undefined;
}

const HEAD_BYTES = 16;
/** Sizes of bodies: within a frame, over several, and above what is copied into a delivery. */
const SIZES: readonly (readonly [number, number])[] = [
  [HEAD_BYTES, 64],
  [HEAD_BYTES, 2_000],
  [3_000, 9_000],
  [12_000, 20_000],
];

export class MessageBook {
  readonly entries = new Map<string, Entry>();
  deliveries = 0;
  /** The process that runs, counted from 1. */
  life = 1;
  /** What came from this process or one before it comes as redelivered. */
  #uncleanLife = 0;
  #publishers = 0;
  readonly #violate: (text: string) => void;
  readonly #nowMs: () => number;
  readonly #isBroken: () => boolean;

  /** `isBroken`: a queue has lost an incarnation. */
  constructor(violate: (text: string) => void, nowMs: () => number, isBroken: () => boolean) {
    this.#violate = violate;
    this.#nowMs = nowMs;
    this.#isBroken = isBroken;
  }

  publisher(): number {
    return ++this.#publishers;
  }

  /** A new message for `queue`, and its body. */
  write(random: SimRandom, publisher: number, sequence: number, queue: string): { entry: Entry; body: Buffer } {
    const { entries, body } = this.writeTo(random, publisher, sequence, [queue], false);
    return { entry: entries[0]!, body };
  }

  /** The same for several queues, one entry each. `delayMs`: they are held back so long. */
  writeTo(random: SimRandom, publisher: number, sequence: number, queues: readonly string[], persistent: boolean, delayMs?: number): { entries: Entry[]; body: Buffer } {
    const dueMs = delayMs === undefined ? undefined : Math.floor(this.#nowMs()) + delayMs;
    const [low, high] = random.chance(0.7) ? SIZES[0]! : random.of(SIZES);
    const size = random.between(low, high);
    const entries = queues.map((queue): Entry => {
      const state = { confirmed: 'no', fresh: false, settled: false, goneAt: Number.POSITIVE_INFINITY, goneForGood: false, dead: false, of: undefined, returns: 0, backMs: 0, backLife: 0 } as const;
      const entry = { publisher, sequence, queue, size, persistent, life: this.life, ...state, dueMs };
      this.entries.set(keyOf(publisher, sequence, queue), entry);
      return entry;
    });
    return { entries, body: bodyOf(entries[0]!) };
  }

  /** Looks up what a body says it is, and whether it is that to the last byte. */
  read(body: Buffer, queue: string, who: string): Entry | undefined {
    const publisher = body.length < HEAD_BYTES ? -1 : body.readUInt32BE(0);
    const sequence = body.length < HEAD_BYTES ? -1 : body.readUInt32BE(4);
    const entry = this.entries.get(keyOf(publisher, sequence, queue)) ?? this.#letter(publisher, sequence, queue);
    if (entry === undefined || !bodyOf(entry).equals(body)) {
      this.#violate(`${who} got from ${queue} a body that nobody sent there: ${body.subarray(0, 24).toString('hex')} of ${body.length} bytes`);
      return undefined;
    }
    return entry;
  }

  #letter(publisher: number, sequence: number, queue: string): Entry | undefined {
    const source = diedIn(queue);
    const dead = source === undefined ? undefined : this.entries.get(keyOf(publisher, sequence, source));
    if (dead === undefined || !dead.dead) return undefined;
    const letter = { ...dead, queue, fresh: false, settled: false, of: dead, returns: 0, backMs: 0 };
    this.entries.set(keyOf(publisher, sequence, queue), letter);
    return letter;
  }

  /** A client gives it back: it waits from when the broker reads that, and no shorter than for the returns that clients know of. */
  returned(entry: Entry): void {
    entry.returns++;
    entry.backMs = this.#nowMs() + retryWaitMs(entry.queue, entry.returns);
    entry.backLife = this.life;
  }

  /** A client rejects it. */
  rejected(entry: Entry, isDeadLettered: boolean): void {
    if (isDeadLettered) entry.dead = true;
    else this.settled(entry);
  }

  /** A client is done with it, and with the message of which it is the letter. */
  settled(entry: Entry): void {
    entry.settled = true;
    if (entry.of !== undefined) entry.of.settled = true;
  }

  /** `since`: when whoever gets it began to ask for messages; what was on its way before may come late. */
  delivered(entry: Entry, redelivered: boolean, since: number, who: string): void {
    this.deliveries++;
    if (entry.dueMs !== undefined && this.#nowMs() < entry.dueMs) this.#violate(`${who} got ${titleOf(entry)} ${entry.dueMs - this.#nowMs()} ms before its time`);
    if (entry.fresh && !redelivered) this.#violate(`${who} got ${titleOf(entry)} again, not marked as redelivered`);
    entry.fresh ||= !redelivered;
    // Of what follows, nothing is certain when it may be there twice.
    if (!isInOrder(entry)) return;
    // What was unsettled in a queue that crashed, or in a process that ended, comes back at once.
    if (this.#nowMs() < entry.backMs && entry.backLife === this.life && !this.#isBroken()) {
      this.#violate(`${who} got ${titleOf(entry)} ${entry.backMs - this.#nowMs()} ms before its wait of return ${entry.returns} was over`);
    }
    if (entry.goneAt < since || entry.goneForGood) this.#violate(`${who} got ${titleOf(entry)}, which was settled before`);
    if (!entry.persistent && entry.life !== this.life) this.#violate(`${who} got ${titleOf(entry)}, which is transient, from process ${entry.life}`);
    if (entry.life <= this.#uncleanLife && !redelivered) this.#violate(`${who} got ${titleOf(entry)} as new, from process ${entry.life}, which was killed`);
  }

  /** Confirmed, unsettled messages of a queue, which must be in it. */
  *owed(queue: string): Iterable<Entry> {
    for (const entry of this.entries.values()) {
      const outlives = entry.persistent || entry.life === this.life;
      if (entry.queue === queue && entry.of === undefined && entry.confirmed === 'ack' && !entry.settled && outlives) yield entry;
    }
  }

  /** All settles that are certain to be read are certain to be stored, too. */
  settlesStored(): void {
    for (const entry of this.entries.values()) entry.goneForGood ||= entry.goneAt !== Number.POSITIVE_INFINITY;
  }

  /** The process that runs does not know what the last one delivered: all that it found counts as delivered before. */
  foundUnclean(): void {
    this.#uncleanLife = this.life - 1;
  }

  /** The process has ended, and another begins. */
  restarted(clean: boolean): void {
    if (clean) this.settlesStored();
    for (const entry of this.entries.values()) {
      entry.goneAt = Number.POSITIVE_INFINITY;
      // The last returns may not have come to the disk.
      if (!clean) entry.returns = 0;
    }
    this.life++;
  }
}

export function titleOf({ publisher, sequence, queue }: Entry): string {
  return `message ${publisher}/${sequence} of ${queue}`;
}

function keyOf(publisher: number, sequence: number, queue: string): string {
  return `${publisher}/${sequence}/${queue}`;
}

function bodyOf({ publisher, sequence, size }: Entry): Buffer {
  const body = Buffer.alloc(size);
  body.writeUInt32BE(publisher, 0);
  body.writeUInt32BE(sequence, 4);
  body.writeUInt32BE(size, 8);
  for (let at = HEAD_BYTES - 4; at < size; at++) body[at] = (publisher * 31 + sequence * 7 + at) & 255;
  return body;
}
