import { MessageChannel, type MessagePort } from 'node:worker_threads';

/** Wakes another thread of the mesh. Simulations and tests put a fake here. */
export interface Doorbell {
  /** Makes thread `to` run its turn soon. Called only for threads that announced their sleep. */
  ring(to: number): void;
}

/** A thread's ports by the number of the thread at the other end; its own place is empty. */
export type DoorbellPorts = readonly (MessagePort | undefined)[];

/** Ints between two flags: two cache lines, since each flag is written by its own thread and looked at by all others. */
const FLAG_STRIDE_WORDS = 32;

/**
 * Which threads sleep: one flag for each, in shared memory. A thread announces its sleep first and looks for work after
 * that; a sender commits its record first and looks at the flag after that. All four steps are sequentially consistent,
 * so at least one of the two sees the other, and no wake-up is lost.
 */
export class SleepFlags {
  private readonly words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory);
  }

  /** Memory for the flags of `threads` threads, all awake. */
  static create(threads: number): SharedArrayBuffer {
    return new SharedArrayBuffer(threads * FLAG_STRIDE_WORDS * Int32Array.BYTES_PER_ELEMENT);
  }

  announce(thread: number): void {
    Atomics.store(this.words, thread * FLAG_STRIDE_WORDS, 1);
  }

  withdraw(thread: number): void {
    Atomics.store(this.words, thread * FLAG_STRIDE_WORDS, 0);
  }

  /** True for exactly one caller in each sleep of `thread`: that one must ring. */
  takeBell(thread: number): boolean {
    const index = thread * FLAG_STRIDE_WORDS;
    return Atomics.load(this.words, index) === 1 && Atomics.compareExchange(this.words, index, 1, 0) === 1;
  }
}

/**
 * Bells over MessagePorts: 11 us from ring to turn where `Atomics.waitAsync` takes 55 (Node 24, 2 cores), and unlike
 * `Atomics.wait` an event among the others, so a thread asleep still hears its sockets. Asleep it costs nothing.
 */
export class PortDoorbell implements Doorbell {
  private readonly ports: (MessagePort | undefined)[];
  private readonly onBell: () => void;

  /** `onBell` runs on this thread for each bell, possibly when nothing is to be done any more. */
  constructor(ports: DoorbellPorts, onBell: () => void) {
    this.ports = [...ports];
    this.onBell = onBell;
    for (const port of ports) port?.on('message', onBell);
  }

  ring(to: number): void {
    this.ports[to]?.postMessage(0);
  }

  /**
   * The other end of `port` is the thread that replaces thread `peer`. Bells may have been lost in both directions: rung at
   * the dead thread's port after the new one looked into its rings, or owed to us by a thread that died between taking our
   * bell and ringing it. So both sides are rung once.
   */
  replacePeer(peer: number, port: MessagePort): void {
    this.ports[peer]?.close();
    this.ports[peer] = port;
    port.on('message', this.onBell);
    port.postMessage(0);
    this.onBell();
  }

  /** Lets the thread end: open ports keep its event loop alive. */
  close(): void {
    for (const port of this.ports) port?.close();
    this.ports.length = 0;
  }
}

/** Ports for a whole mesh: element i belongs to thread i and goes to it through its transfer list. */
export function createDoorbellPorts(threads: number): DoorbellPorts[] {
  const ports: (MessagePort | undefined)[][] = Array.from({ length: threads }, () => new Array(threads).fill(undefined));
  for (let low = 0; low < threads; low += 1) {
    for (let high = low + 1; high < threads; high += 1) {
      const { port1, port2 } = new MessageChannel();
      ports[low]![high] = port1;
      ports[high]![low] = port2;
    }
  }
  return ports;
}

/** Fresh ports between a replaced thread and all others. */
export type ReplacementPorts = {
  /** For the new thread, by peer. */
  readonly own: DoorbellPorts;
  /** For each other thread j, element j: what it gives to `replacePeer`. */
  readonly peers: DoorbellPorts;
};

export function createReplacementPorts(threads: number, replaced: number): ReplacementPorts {
  const own: (MessagePort | undefined)[] = new Array(threads).fill(undefined);
  const peers: (MessagePort | undefined)[] = new Array(threads).fill(undefined);
  for (let peer = 0; peer < threads; peer += 1) {
    if (peer === replaced) continue;
    const { port1, port2 } = new MessageChannel();
    own[peer] = port1;
    peers[peer] = port2;
  }
  return { own, peers };
}
