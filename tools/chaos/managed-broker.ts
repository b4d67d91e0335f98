/** A broker that the run has started itself, and may kill. */
export interface ManagedBroker {
  /** For the report: `leveret 0.1.0`. */
  readonly name: string;
  /** Where clients connect; undefined while it is down or starting. */
  readonly url: string | undefined;
  /** How often its process has been started. */
  readonly starts: number;
  /** How often it ended without being told to. */
  readonly deaths: number;
  /** What it did that no broker may do: ended by itself, logged an error that nobody had ordered. */
  readonly problems: readonly string[];
  /**
   * Starts the process on what the one before left; resolves with the time it took to accept connections, ms. Resolves with
   * undefined when it was killed meanwhile. Rejects when it does not come up.
   */
  start(): Promise<number | undefined>;
  /** Sends the signal; its end is expected from now on. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** Resolves when the process is gone. */
  ended(): Promise<void>;
  /** Ends it in order, and removes what it has written. A close that fails becomes a problem. */
  close(): Promise<void>;
}

/** A broker that can also be hurt inside. */
export interface FaultyBroker extends ManagedBroker {
  readonly schedulers: number;
  /** Injected crashes so far. */
  readonly crashes: number;
  /** The same by the kind of actor. */
  readonly crashesByGroup: ReadonlyMap<string, number>;
  /** Scheduler threads that were lost so far. */
  readonly threadsLost: number;
  /**
   * Ends the store's thread, or exhausts its heap; resolves when the process has ended by itself. That it did not, or not with an
   * error, or without saying why, becomes a problem.
   */
  loseStore(how: 'end thread' | 'exhaust heap'): Promise<void>;
  /** Hands a fault to the node; false when nobody was there to take it. */
  order(thread: number, fault: object): Promise<boolean>;
  /** Has main thread, replicas and keeper talk. */
  stir(): Promise<void>;
}
