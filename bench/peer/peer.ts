/** A broker that the comparison started: a process of its own on a loopback port, with folders of its own. */
export type Peer = {
  readonly name: 'rabbitmq' | 'leveret';
  readonly version: string;
  /** The same after a restart. */
  readonly url: string;
  /** The process whose memory and time are the broker's; its children count too. Another one after a restart. */
  readonly pid: number;
  /** Where a Leveret keeps its data, and its control socket. */
  readonly dataDir?: string;
  /** Its own folder, in the file system of its data. */
  readonly folder: string;
  /**
   * Ends the broker in order and starts it again with the same options, port and data. Rejects when it had to be ended by force
   * or does not become ready.
   */
  readonly restart: () => Promise<Restart>;
  /** Stops every process of the broker and removes its folders; never rejects. */
  readonly stop: () => Promise<void>;
};

export type Restart = {
  /** From SIGTERM to the end of the process. */
  readonly stopSeconds: number;
  /** When the new process was started, on the clock of the load tool, ns. */
  readonly startedNs: number;
  /** From then until the broker said that it was ready. */
  readonly readySeconds: number;
};
