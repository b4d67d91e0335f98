/** How a consumer settles what its chunks brought: as it comes, or in transactions. */
import { CHANNEL, type Connection } from './connection.ts';
import { commitFrame } from './queue-calls.ts';
import { settleFrames, type Settling } from './wire.ts';

export type Settler = {
  /** After each chunk: settles what it brought, in whole steps. */
  readonly pass: () => void;
  /** Settles what the last step left over. */
  readonly rest: () => void;
  /** Messages that have been dealt with; undefined: all that came. */
  readonly handled: number | undefined;
  /** The broker's tx.commit-ok. */
  readonly committed?: (channel: number) => void;
  /** A commit of this channel is not answered yet. */
  readonly committing?: (channel: number) => boolean;
};

export type SettlerOptions = {
  readonly connection: Connection;
  readonly channels: number;
  /** undefined: automatic ack. */
  readonly every: number | undefined;
  readonly settling: Settling;
  /** Messages of a channel after these are left unsettled. */
  readonly limit: number;
};

/** One ack, or whatever `settling` is, for each `every` messages. */
export class StepSettler implements Settler {
  readonly handled = undefined;
  readonly #connection: Connection;
  readonly #every: number;
  readonly #settling: Settling;
  readonly #limit: number;
  readonly #settledTags: number[];

  constructor({ connection, channels, every, settling, limit }: SettlerOptions & { readonly every: number }) {
    this.#connection = connection;
    this.#every = every;
    this.#settling = settling;
    this.#limit = limit;
    this.#settledTags = new Array<number>(channels).fill(0);
  }

  pass(): void {
    const every = this.#every;
    for (let index = 0; index < this.#settledTags.length; index += 1) {
      const lastTag = this.#lastTagOf(CHANNEL + index);
      const settledTag = this.#settledTags[index] as number;
      const toTag = lastTag - ((lastTag - settledTag) % every);
      if (toTag === settledTag) continue;
      this.#connection.socket.write(settleFrames(CHANNEL + index, settledTag, toTag, every, this.#settling));
      this.#settledTags[index] = toTag;
    }
  }

  rest(): void {
    this.pass();
    for (const [index, settledTag] of this.#settledTags.entries()) {
      const lastTag = this.#lastTagOf(CHANNEL + index);
      if (lastTag === settledTag) continue;
      this.#connection.socket.write(settleFrames(CHANNEL + index, settledTag, lastTag, lastTag - settledTag, this.#settling));
      this.#settledTags[index] = lastTag;
    }
  }

  #lastTagOf(channel: number): number {
    return Math.min(this.#limit, this.#connection.scanner.lastTagOf(channel));
  }
}

type Progress = { handledTag: number; settledTag: number; committing: boolean };

/**
 * Commits after each `size` messages, and waits for the broker's answer before it goes on, channel by channel. With automatic ack
 * there is nothing in these transactions; they are still asked for.
 */
export class TransactionSettler implements Settler {
  readonly #connection: Connection;
  readonly #size: number;
  /** undefined: automatic ack. */
  readonly #every: number | undefined;
  readonly #settling: Settling;
  readonly #limit: number;
  readonly #channels: Progress[];

  constructor({ connection, channels, every, settling, limit }: SettlerOptions, size: number) {
    this.#connection = connection;
    this.#size = size;
    this.#limit = limit;
    this.#every = every;
    this.#settling = settling;
    this.#channels = Array.from({ length: channels }, () => ({ handledTag: 0, settledTag: 0, committing: false }));
  }

  get handled(): number {
    return this.#channels.reduce((sum, { handledTag }) => sum + handledTag, 0);
  }

  pass(): void {
    for (let index = 0; index < this.#channels.length; index += 1) this.#advance(CHANNEL + index);
  }

  committed(channel: number): void {
    const progress = this.#channels[channel - CHANNEL];
    if (progress === undefined) return;
    progress.committing = false;
    this.#advance(channel);
  }

  committing(channel: number): boolean {
    return this.#channels[channel - CHANNEL]?.committing === true;
  }

  rest(): void {
    this.pass();
    for (const [index, progress] of this.#channels.entries()) {
      const lastTag = Math.min(this.#limit, this.#connection.scanner.lastTagOf(CHANNEL + index));
      this.#settle(CHANNEL + index, progress, lastTag, this.#every === undefined ? undefined : Math.max(1, lastTag - progress.settledTag));
      progress.handledTag = lastTag;
      this.#connection.socket.write(commitFrame(CHANNEL + index));
    }
  }

  #advance(channel: number): void {
    const progress = this.#channels[channel - CHANNEL] as Progress;
    if (progress.committing) return;
    const boundary = progress.handledTag + this.#size - (progress.handledTag % this.#size);
    const toTag = Math.min(this.#connection.scanner.lastTagOf(channel), boundary, this.#limit);
    if (toTag === progress.handledTag) return;
    progress.handledTag = toTag;
    this.#settle(channel, progress, toTag, this.#every);
    if (toTag < boundary) return;
    progress.committing = true;
    this.#connection.socket.write(commitFrame(channel));
  }

  #settle(channel: number, progress: Progress, lastTag: number, every: number | undefined): void {
    if (every === undefined) return;
    const toTag = lastTag - ((lastTag - progress.settledTag) % every);
    if (toTag === progress.settledTag) return;
    this.#connection.socket.write(settleFrames(channel, progress.settledTag, toTag, every, this.#settling));
    progress.settledTag = toTag;
  }
}
