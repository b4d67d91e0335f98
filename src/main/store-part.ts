/**
 * The store's thread as the node sees it: started first, because what the last run left decides what there is; stopped last, when
 * every queue has handed over what it had. A store that fails is not started again within the process: what it confirmed is on
 * the device, and whoever watches the process starts it anew, which is the recovery that is tested most.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { type PortDoorbell, createReplacementPorts } from '../../actors/runtime/ring/doorbell.ts';
import { siblingModule } from '../../native-free-io/file/sibling-module.ts';
import type { DiskEntry } from '../store/port.ts';
import type { QueuePlace } from './ledger-filling.ts';
import type { NodePart } from './root-supervision.ts';
import { STORE_YOUNG_MIB, heapLimits } from './thread-heap.ts';
import type { StoreControl, StoreDescription, StoreNotice, StoreTask } from './store-thread.ts';

export type DamagedQueue = { readonly queue: number; readonly why: string };

export interface StorePartHost {
  storeTask(): Omit<StoreTask, 'ports' | 'control' | 'thread' | 'threads'>;
  /** Every queue has said what it had delivered. Asked when all have ended. */
  allTold(): boolean;
  /** The store is lost: nothing can be confirmed any more. */
  storeFailed(text: string): void;
}

const MAIN_THREAD = 0;

export class StorePart implements NodePart {
  readonly #host: StorePartHost;
  readonly #thread: number;
  readonly #doorbell: PortDoorbell;
  readonly #pool: Piscina;
  #control: MessagePort | undefined = undefined;
  #opened: PromiseWithResolvers<readonly DiskEntry[]> | undefined = undefined;
  #filled: PromiseWithResolvers<readonly DamagedQueue[]> | undefined = undefined;
  #described: PromiseWithResolvers<StoreDescription | undefined> | undefined = undefined;
  #ended: Promise<void> | undefined = undefined;
  #stopping = false;
  #failed = false;
  #isOpen = false;
  /** What the last run defined. */
  definitions: readonly DiskEntry[] = [];
  /** Damage that belongs to no queue that is known, as sentences. */
  faults: readonly string[] = [];

  /** `heapMiB`: bound of the thread's heap; V8's own when undefined. */
  constructor(host: StorePartHost, thread: number, doorbell: PortDoorbell, heapMiB?: number) {
    this.#host = host;
    this.#thread = thread;
    this.#doorbell = doorbell;
    this.#pool = new Piscina({
      filename: siblingModule(import.meta.url, './store-thread').href,
      name: 'runStoreThread',
      minThreads: 0,
      maxThreads: 1,
      concurrentTasksPerWorker: 1,
      atomics: 'disabled',
      idleTimeout: Infinity,
      resourceLimits: heapLimits(STORE_YOUNG_MIB, heapMiB),
    });
    // See SchedulerThreads.
    this.#pool.on('error', () => {});
  }

  async start(): Promise<void> {
    const { own, peers } = createReplacementPorts(this.#thread + 1, this.#thread);
    this.#doorbell.replacePeer(this.#thread, peers[MAIN_THREAD]!);
    const ports = own.map((port, peer) => (peer === MAIN_THREAD ? port : undefined));
    for (let peer = 1; peer < this.#thread; peer++) peers[peer]!.close();
    const { port1: control, port2 } = new MessageChannel();
    this.#control = control;
    const opened = (this.#opened = Promise.withResolvers<readonly DiskEntry[]>());
    control.on('message', (notice: StoreNotice) => this.#noticed(notice));
    control.unref();
    const task: StoreTask = { ...this.#host.storeTask(), thread: this.#thread, threads: this.#thread + 1, ports, control: port2 };
    this.#ended = this.#pool.run(task, { transferList: [port2, ports[MAIN_THREAD]!] }).then(
      () => this.#gone(undefined),
      (error: unknown) => this.#gone(error),
    );
    this.definitions = await opened.promise;
  }

  /**
   * Fills the ledgers of the durable queues. Answers those that are damaged. Only once in a process: queues that are started again later
   * find what they had.
   */
  async fill(queues: readonly QueuePlace[]): Promise<readonly DamagedQueue[]> {
    if (this.#filled !== undefined) return [];
    const filled = (this.#filled = Promise.withResolvers<readonly DamagedQueue[]>());
    this.post({ type: 'fill', queues });
    return filled.promise;
  }

  /** The groups of the store's thread; none when it is not there. */
  /** Undefined: it does not run. */
  describe(): Promise<StoreDescription | undefined> {
    if (this.#control === undefined) return Promise.resolve(undefined);
    const described = (this.#described ??= Promise.withResolvers<StoreDescription | undefined>());
    this.post({ type: 'describe' });
    return described.promise;
  }

  post(message: StoreControl, transfer: MessagePort[] = []): void {
    this.#control?.postMessage(message, transfer);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.post({ type: 'end', clean: !this.#failed && this.#host.allTold() });
    await this.#ended;
  }

  kill(): void {
    void this.close();
  }

  /** The pool ends, and with it whatever still runs. */
  close(): Promise<void> {
    this.#stopping = true;
    return this.#pool.destroy();
  }

  #noticed(notice: StoreNotice): void {
    switch (notice.type) {
      case 'opened':
        this.#isOpen = true;
        this.faults = notice.faults;
        return this.#opened?.resolve(notice.definitions);
      case 'filled':
        return this.#filled?.resolve(notice.damaged);
      case 'described':
        this.#described?.resolve(notice);
        this.#described = undefined;
        return;
      case 'failed':
        this.#failed = true;
        return this.#host.storeFailed(notice.text);
    }
  }

  #gone(error: unknown): void {
    this.#control?.close();
    this.#control = undefined;
    this.#opened?.reject(error);
    this.#filled?.reject(error);
    this.#described?.resolve(undefined);
    if (this.#stopping || this.#failed) return;
    this.#failed = true;
    // Whoever starts it hears why it did not open.
    if (!this.#isOpen) return;
    const text = error instanceof Error ? error.message : 'it ended by itself';
    this.#host.storeFailed(`the store's thread was lost: ${text}`);
  }
}
