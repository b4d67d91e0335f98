/**
 * One thread of the wake-up litmus test: passes tokens on to a random other thread until their hops are used up, and
 * sleeps whenever it can.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type DoorbellPorts, PortDoorbell } from '../../actors/runtime/ring/doorbell.ts';
import type { Receiver } from '../../actors/runtime/ring/inbound.ts';
import { MeshPort, type Mesh } from '../../actors/runtime/ring/mesh.ts';
import { mixed } from './ring-load.ts';

export type TokenOrders = {
  readonly mesh: Mesh;
  readonly self: number;
  readonly ports: DoorbellPorts;
  /** Int32: hops of all tokens so far; then, one for each thread, how often it slept. */
  readonly counters: SharedArrayBuffer;
  /** Tokens that start here, and how far each goes. */
  readonly tokens: number;
  readonly hops: number;
  /** Longest token in ints: tokens over a quarter of the ring go in fragments. */
  readonly intsMax: number;
  /** Sleeps without the second look: the negative control. */
  readonly careless: boolean;
};
/** What the main thread may say: here is a fresh port to a replaced peer; or look again at your rings. */
export type TokenCommand = { readonly peer: number; readonly port: MessagePort } | 'look' | 'end';

/** Turns of an empty loop that make a thread late between two steps, as the scheduler of the system may at any time. */
const LATE_TURNS = 400;

function beLate(): void {
  for (let turn = 0; turn < LATE_TURNS; turn += 1) Atomics.load(counters, 0);
}

class LateMeshPort extends MeshPort {
  protected override idle(): boolean {
    beLate();
    return super.idle();
  }
}

/** Wrong on purpose: looks first and announces its sleep after that. */
class CarelessMeshPort extends MeshPort {
  override sleep(): boolean {
    this.flush();
    if (!this.idle()) return false;
    beLate();
    this.flags.announce(this.self);
    return true;
  }
}

const orders = workerData as TokenOrders;
const { mesh, self } = orders;
const counters = new Int32Array(orders.counters);
const doorbell = new PortDoorbell(orders.ports, onEvent);
const port = orders.careless ? new CarelessMeshPort(mesh, self, doorbell) : new LateMeshPort(mesh, self, doorbell);
const token = new Int32Array(orders.intsMax);
let queued = false;
let random = self;

function pass(hopsLeft: number): void {
  random = mixed(random, hopsLeft);
  const step = 1 + ((random >>> 1) % (mesh.threads - 1));
  const count = 1 + ((random >>> 8) % orders.intsMax);
  token[0] = hopsLeft;
  for (let i = 1; i < count; i += 1) token[i] = Math.imul(hopsLeft, i);
  port.sendInts((self + step) % mesh.threads, count & 0xff, token, count);
}

const receiver: Receiver = {
  receive(_from, type, ints, offset, count) {
    const hopsLeft = ints[offset]!;
    if (type !== (count & 0xff)) throw new Error(`a token of ${count} ints has the type ${type}`);
    for (let i = 1; i < count; i += 1) if (ints[offset + i] !== Math.imul(hopsLeft, i)) throw new Error('a token is torn');
    Atomics.add(counters, 0, 1);
    if (hopsLeft > 1) pass(hopsLeft - 1);
  },
  receiveBytes() {
    throw new Error('no bytes were sent');
  },
};

function onEvent(): void {
  port.wake();
  if (!queued) turn();
}

function turn(): void {
  queued = false;
  port.drain(receiver, 16);
  if (port.sleep()) {
    Atomics.add(counters, 1 + self, 1);
    return;
  }
  queued = true;
  setImmediate(turn);
}

parentPort!.on('message', (command: TokenCommand) => {
  if (command === 'end') {
    doorbell.close();
    parentPort!.close();
  } else if (command === 'look') onEvent();
  else doorbell.replacePeer(command.peer, command.port);
});
for (let n = 0; n < orders.tokens; n += 1) pass(orders.hops);
turn();
