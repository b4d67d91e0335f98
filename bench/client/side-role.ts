/** What the process of one side asks of its producers or of its consumers. */
import type { Window } from './orders.ts';

export type Side = {
  /** Messages that were sent, or received. */
  readonly total: () => number;
  readonly confirmed: () => number;
  readonly refused: () => number;
  readonly returned: () => number;
  /** It can tell how long messages took. */
  readonly timed: boolean;
  /** Hears of every message how long it took, ns. */
  readonly hear: (listener: (latencyNs: number) => void) => void;
  /** Every one of them has reached its number of messages. */
  readonly isDone: () => boolean;
  /** As fast as the broker takes it, for a while; consumers always receive. */
  readonly heat: (startNs: number, toNs: number) => void;
  /** Begins to send at the window's start; consumers always receive. */
  readonly run: (window: Window) => void;
  /** Ends all connections; the histogram of latencies, encoded. */
  readonly finish: () => Promise<string>;
};
