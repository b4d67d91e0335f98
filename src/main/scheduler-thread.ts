/**
 * A scheduler thread: the one place where a thread's sockets, clock and bells meet its actors. The pool runs this as one task
 * for as long as the thread lives; its rejection is the notice of the thread's death.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { MessagePort } from 'node:worker_threads';
import { KeeperLetter } from '../../actors/messages/keeper-messages.ts';
import { Letter } from '../../actors/runtime/letter.ts';
import { type DoorbellPorts, PortDoorbell } from '../../actors/runtime/ring/doorbell.ts';
import { systemClock } from '../../native-free-io/clock.ts';
import { BlockPool } from '../../native-free-io/socket/block-pool.ts';
import { READ_BUFFER_SIZE_BYTES } from '../../native-free-io/socket/inbound.ts';
import { type Listener, listen } from '../../native-free-io/socket/listener.ts';
import { SocketTransport } from '../../native-free-io/socket/socket-transport.ts';
import { type ThreadUsage, threadUsage } from '../../native-free-io/thread-usage.ts';
import { applyFault } from './fault-schedule.ts';
import { OwnProfile, type ProfileMessage } from './profiling.ts';
import { collectStartingGarbage } from './starting-garbage.ts';
import { ThreadActors, type ThreadHost, type ThreadStart } from './thread-actors.ts';

/** What a thread is started with. */
export type SchedulerTask = ThreadStart & {
  readonly ports: DoorbellPorts;
  readonly control: MessagePort;
};

/** From the main thread, about the thread itself: what cannot go through rings, and what is no affair of its actors. */
export type ControlMessage =
  | { readonly type: 'replacePeer'; readonly peer: number; readonly port: MessagePort }
  /** Accept connections. The keeper hears `listening` or `failed`. */
  | ListenMessage
  /** Accept no more. Answer: `deaf`. */
  | { readonly type: 'deafen' }
  | ProfileMessage
  | { readonly type: 'end' };

/** `shared`: other threads listen on the same port. */
type ListenMessage = { readonly type: 'listen'; readonly port: number; readonly shared: boolean };

/** To the main thread: its queues run; it accepts no more connections. */
export type ThreadNotice = { readonly type: 'standing' } | { readonly type: 'deaf' };

export async function runSchedulerThread(task: SchedulerTask): Promise<void> {
  const thread = new SchedulerThread(task);
  await thread.run();
}

class SchedulerThread implements ThreadHost {
  readonly #task: SchedulerTask;
  readonly #actors: ThreadActors;
  readonly #doorbell: PortDoorbell;
  readonly #pool = new BlockPool();
  readonly #readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_SIZE_BYTES);
  readonly #profile = new OwnProfile();
  #listener: Listener | undefined = undefined;
  /** It is to accept connections: what it was told last. */
  #listening = false;
  #ending = false;

  constructor(task: SchedulerTask) {
    this.#task = task;
    this.#doorbell = new PortDoorbell(task.ports, () => this.#actors.scheduler.poke());
    this.#actors = new ThreadActors(task, this.#doorbell, this);
  }

  async run(): Promise<void> {
    const { control } = this.#task;
    this.#actors.startQueues(this.#task.ending);
    this.#actors.scheduler.poke();
    this.#notice({ type: 'standing' });
    const leaveGarbage = collectStartingGarbage(systemClock);
    await new Promise<void>((resolve) => {
      control.on('message', (message: ControlMessage) => {
        if (message.type === 'end') resolve();
        else this.#carryOut(message);
      });
    });
    this.#ending = true;
    leaveGarbage();
    this.#actors.scheduler.close();
    this.closeListener();
    this.#doorbell.close();
    control.close();
  }

  #carryOut(message: Exclude<ControlMessage, { type: 'end' }>): void {
    switch (message.type) {
      case 'replacePeer':
        return this.#doorbell.replacePeer(message.peer, message.port);
      case 'listen':
        this.#listening = true;
        return void this.#listen(message);
      case 'deafen':
        this.#listening = false;
        this.closeListener();
        return this.#notice({ type: 'deaf' });
      case 'profile':
        return void this.#profile.answer(message);
    }
  }

  #notice(notice: ThreadNotice): void {
    this.#task.control.postMessage(notice);
  }

  async #listen({ port, shared }: ListenMessage): Promise<void> {
    const { log } = this.#actors;
    const listener = await listen({
      host: this.#task.settings.host,
      port,
      reusePort: shared,
      onSocket: (socket) => this.#accept(socket),
      onAcceptFailed: (message) => log.warn({}, message),
    });
    if (!this.#listening || this.#ending) {
      if (listener.listening) listener.close();
      return;
    }
    const letter = new Letter(listener.listening ? KeeperLetter.listening : KeeperLetter.failed);
    if (listener.listening) {
      this.#listener = listener;
      letter.a = listener.port;
    } else {
      letter.body = `${listener.code}: ${listener.message}`;
    }
    this.#actors.tellKeeper(letter);
  }

  #accept(socket: Socket): void {
    const taken = this.#actors.accept(
      () => new SocketTransport(socket, { pool: this.#pool, readBuffer: this.#readBuffer, clock: systemClock }),
    );
    if (!taken) socket.destroy();
  }

  // ---- the host of the thread's actors

  nowMs(): number {
    return systemClock.nowMs();
  }

  setTimer(delayMs: number, callback: () => void): object {
    return systemClock.setTimer(delayMs, callback);
  }

  clearTimer(timer: object): void {
    systemClock.clearTimer(timer);
  }

  soon(run: () => void): void {
    setImmediate(run);
  }

  randomBytes(size: number): Buffer {
    return randomBytes(size);
  }

  digest(algorithm: string, bytes: Uint8Array): Uint8Array {
    return createHash(algorithm).update(bytes).digest();
  }

  closeListener(): void {
    this.#listener?.close();
    this.#listener = undefined;
  }

  applyFault(fault: Parameters<ThreadHost['applyFault']>[0]): void {
    applyFault(fault);
  }

  usage(): ThreadUsage {
    return threadUsage();
  }

  residentBytes(): number {
    return process.memoryUsage.rss();
  }
}
