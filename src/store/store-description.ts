import type { QueueLog } from './queue-log.ts';
import type { SegmentChain } from './segment-chain.ts';
import type { SharedBodies } from './shared-bodies.ts';

export type ChainDescription = {
  readonly segments: number;
  /** Messages that are not settled. */
  readonly messages: number;
  /** Bytes of contents, settled messages counted, of those segments that were written or looked at since the start. */
  readonly bytes: number;
};

export type QueueDescription = {
  readonly queue: number;
  readonly kept: ChainDescription;
  readonly paged: ChainDescription;
  readonly damage: string | undefined;
};

export type StoreDescription = { readonly queues: readonly QueueDescription[]; readonly sharedSegments: number };

export function describeStore(logs: Iterable<QueueLog>, bodies: SharedBodies): StoreDescription {
  const queues: QueueDescription[] = [];
  for (const { id, kept, paged, damage } of logs) queues.push({ queue: id, kept: describeChain(kept), paged: describeChain(paged), damage });
  return { queues, sharedSegments: bodies.segments };
}

function describeChain({ segments, live, list }: SegmentChain): ChainDescription {
  let bytes = 0;
  for (let index = 0; index < list.length; index++) {
    const segment = list.at(index);
    if (segment.live > 0) bytes += Math.max(segment.bytes, 0);
  }
  return { segments, messages: live, bytes };
}
