/** What publishers and consumers need to know of the run that they play in. */
import type { MessageLedger } from './message-ledger.ts';

export type Stage = {
  readonly ledger: MessageLedger;
  /** Where clients connect; undefined while the broker is known to be down. */
  url(): string | undefined;
  /** How often the broker has been started, as far as is known. */
  brokerStart(): number;
  /** Since the run began. */
  nowMs(): number;
  /** A publisher has lost its connection, and a publish on a new one was confirmed so much later. */
  recovered(ms: number): void;
  /** Any confirm. */
  confirmed(): void;
  /** Something that a broker may never do and that no counter counts. */
  problem(text: string): void;
};

/** Pause before connecting again: short, so that clients find a broker that has just come back busy recovering. */
export const RECONNECT_MS = 15;

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
