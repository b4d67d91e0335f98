/** A broker that the comparison started: a process of its own on a loopback port, with folders of its own. */
export type Peer = {
  readonly name: 'rabbitmq' | 'leveret';
  readonly version: string;
  readonly url: string;
  /** The process whose memory and time are the broker's; its children count too. */
  readonly pid: number;
  /** Stops every process of the broker and removes its folders; never rejects. */
  readonly stop: () => Promise<void>;
};
