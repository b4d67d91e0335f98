/**
 * Real threads that sleep whenever they can, and tokens that must never stop. The control leaves out the second look of
 * `sleep`: the tokens must come to a stop, and go on when the threads are told to look into their rings.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createDoorbellPorts, createReplacementPorts, type DoorbellPorts } from '../../actors/runtime/ring/doorbell.ts';
import { createMesh } from '../../actors/runtime/ring/mesh.ts';
import type { TokenCommand, TokenOrders } from './mesh-thread.ts';

const THREADS = 3;
/** Between two looks at the counter, milliseconds. */
const LOOK_MS = 10;
/** What a look counts for at most, milliseconds. */
const LOOK_MAX_MS = 50;
/** No hop for so long is a stop, milliseconds: a million times the time of one hop. */
const STOP_MS = 3000;

type Play = { readonly hops: number; readonly tokens: number; readonly intsMax: number; readonly ringBytes: number; readonly careless: boolean };

class Players {
  readonly counters = new Int32Array(new SharedArrayBuffer(4 * (1 + THREADS)));
  readonly errors: Error[] = [];
  private readonly play: Play;
  private readonly mesh;
  private readonly workers: Worker[] = [];

  constructor(play: Play) {
    this.play = play;
    this.mesh = createMesh(THREADS, play.ringBytes);
    createDoorbellPorts(THREADS).forEach((ports, self) => this.start(self, ports, play.tokens));
  }

  get hops(): number {
    return Atomics.load(this.counters, 0);
  }

  get sleeps(): number {
    return this.counters.subarray(1).reduce((sum, sleeps) => sum + sleeps, 0);
  }

  tell(thread: number, command: TokenCommand): void {
    this.workers[thread]?.postMessage(command, typeof command === 'object' ? [command.port] : []);
  }

  tellAll(command: TokenCommand): void {
    for (let thread = 0; thread < THREADS; thread += 1) this.tell(thread, command);
  }

  /** True when the hops came to `hops`, false when they came to a stop before. */
  async reach(hops: number): Promise<boolean> {
    let last = this.hops;
    let stillMs = 0;
    while (this.hops < hops) {
      const lookedAt = performance.now();
      await pause(LOOK_MS);
      if (this.errors[0] !== undefined) throw this.errors[0];
      // In a longer pause the machine stood still, the threads too.
      stillMs = this.hops === last ? stillMs + Math.min(performance.now() - lookedAt, LOOK_MAX_MS) : 0;
      last = this.hops;
      if (stillMs > STOP_MS) return false;
    }
    return true;
  }

  /** Ends a thread and starts another in its place, with `tokens` new tokens. */
  async replace(thread: number, tokens: number): Promise<void> {
    await this.workers[thread]?.terminate();
    const { own, peers } = createReplacementPorts(THREADS, thread);
    this.start(thread, own, tokens);
    peers.forEach((port, peer) => port !== undefined && this.tell(peer, { peer: thread, port }));
  }

  async end(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  private start(self: number, ports: DoorbellPorts, tokens: number): void {
    const { mesh, counters } = this;
    const { hops, intsMax, careless } = this.play;
    const orders: TokenOrders = { mesh, self, ports, counters: counters.buffer as SharedArrayBuffer, tokens, hops, intsMax, careless };
    const transferList = ports.filter((port) => port !== undefined);
    const worker = new Worker(new URL('./mesh-thread.ts', import.meta.url), { workerData: orders, transferList });
    worker.on('error', (error) => this.errors.push(error instanceof Error ? error : new Error(String(error))));
    this.workers[self] = worker;
  }
}

const mesh = suite('mesh litmus');

mesh('no wake-up is lost between three threads that sleep whenever they can', async () => {
  const players = new Players({ hops: 60_000, tokens: 1, intsMax: 16, ringBytes: 4096, careless: false });
  try {
    assert.ok(await players.reach(60_000 * THREADS), `stopped after ${players.hops} hops and ${players.sleeps} sleeps`);
    assert.is(players.hops, 60_000 * THREADS);
    assert.ok(players.sleeps > 10_000, `they slept only ${players.sleeps} times`);
  } finally {
    await players.end();
  }
});

mesh('full rings, waiting outboxes and fragments lose no wake-up either', async () => {
  const players = new Players({ hops: 2000, tokens: 20, intsMax: 600, ringBytes: 1024, careless: false });
  try {
    const hops = 2000 * 20 * THREADS;
    assert.ok(await players.reach(hops), `stopped after ${players.hops} hops and ${players.sleeps} sleeps`);
    assert.is(players.hops, hops);
  } finally {
    await players.end();
  }
});

mesh('a replaced thread is woken and wakes', async () => {
  const players = new Players({ hops: 100_000_000, tokens: 1, intsMax: 16, ringBytes: 4096, careless: false });
  try {
    for (let round = 0; round < 12; round += 1) {
      assert.ok(await players.reach(players.hops + 500), `stopped in round ${round} after ${players.hops} hops`);
      // Tokens that were in the dead thread's hands are lost with it; the new thread brings one.
      await players.replace(round % THREADS, 1);
    }
    assert.ok(await players.reach(players.hops + 500), `stopped after the last replacement`);
  } finally {
    await players.end();
  }
});

mesh('threads that sleep use no processor time', async () => {
  const players = new Players({ hops: 300, tokens: 1, intsMax: 16, ringBytes: 4096, careless: false });
  try {
    assert.ok(await players.reach(300 * THREADS));
    const sleeps = players.sleeps;
    const before = process.cpuUsage();
    const beforeMs = performance.now();
    await players.reach(Infinity);
    const { user, system } = process.cpuUsage(before);
    const share = (user + system) / 1000 / (performance.now() - beforeMs);
    assert.ok(share < 0.1, `${(share * 100).toFixed(1)} % of a core while idle`);
    assert.ok(players.sleeps - sleeps <= THREADS, 'they woke up without a bell');
  } finally {
    await players.end();
  }
});

mesh('control: without the second look the tokens stop, and they go on when the threads are told to look', async () => {
  const players = new Players({ hops: 10_000_000, tokens: 1, intsMax: 16, ringBytes: 4096, careless: true });
  try {
    assert.not(await players.reach(10_000_000 * THREADS), 'the broken doorbell was not caught');
    const stoppedAt = players.hops;
    players.tellAll('look');
    assert.ok(await players.reach(stoppedAt + 1), 'the stop was not a lost wake-up');
  } finally {
    await players.end();
  }
});

mesh.run();
