/** What a channel in tx mode has done since the last commit: publishes in the order of the client, settles as they came. */
import type { Settle } from '../../broker/queue/queue-machine.ts';
import type { QueueLink } from './queue-link.ts';
import type { Route } from './route-cache.ts';

/** Publishes and settles of one transaction; more closes the channel. */
export const TRANSACTION_STEPS_MAX = 1_000_000;

export type HeldPublish =
  | { readonly type: 'routed'; readonly address: number; readonly route: Route }
  /** basic.return goes out at the commit. */
  | { readonly type: 'returned'; readonly address: number };

export type HeldSettle = {
  readonly link: QueueLink;
  readonly position: number;
  readonly tag: number;
  readonly how: Settle;
};

export class Transaction {
  publishes: HeldPublish[] = [];
  settles: HeldSettle[] = [];
  /** Answers of queues that the commit waits for. */
  pending = 0;
  commit: (() => void) | undefined = undefined;

  get full(): boolean {
    return this.publishes.length + this.settles.length >= TRANSACTION_STEPS_MAX;
  }

  clear(): void {
    this.publishes = [];
    this.settles = [];
  }
}
