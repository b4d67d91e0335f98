/** A broker to measure, and what the measurement may do with it. */
import type { Restart } from '../peer/peer.ts';

export type Target = {
  readonly url: string;
  /** The broker's process, where it runs on this machine and its figures are wanted. */
  readonly pid?: number | undefined;
  /** A folder in the file system of its data. */
  readonly folder?: string;
  /** Stops it in order and starts it again on the same data; afterwards `pid` is another. */
  readonly restart?: () => Promise<Restart>;
};
