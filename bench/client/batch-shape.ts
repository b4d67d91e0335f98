/** What the messages of a producer look like, and what it asks of whoever makes them. */
import type { PublishShape } from './publish-wire.ts';

export type BatchShape = PublishShape & {
  /** Contents of the bodies, in turn; their time of sending travels in a header. undefined: `bodyBytes` of nothing in particular. */
  readonly bodies?: readonly Uint8Array[] | undefined;
  /** Each message gets a random routing key, or one of so many in turn; undefined: that of its route. */
  readonly randomKeys?: { readonly cached: number | undefined } | undefined;
};

export type PublishBatch = {
  /** How many messages make a batch. */
  readonly batchMessages: number;
  /** So many messages, at most `batchMessages`. Valid until the next call. */
  readonly plain: (count: number) => Buffer;
  /** The same, with one time of sending for all. */
  readonly stampedWith: (timeNs: number, count: number) => Buffer;
  /** A message for each of these times. */
  readonly stampedEach: (timesNs: readonly number[]) => Buffer;
};
