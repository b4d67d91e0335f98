import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Receiver } from '../../../../../actors/runtime/ring/inbound.ts';
import { MeshPort, OUTBOX_BYTES_MAX, createMesh, type Mesh } from '../../../../../actors/runtime/ring/mesh.ts';
import { FRAGMENTED_MESSAGE_MAX } from '../../../../../actors/runtime/ring/message-kind.ts';

const RING_BYTES = 1024;

/** Writes down what a thread received and which bells were rung. */
class Ear implements Receiver {
  readonly heard: string[] = [];
  receive(from: number, type: number, ints: Int32Array, offset: number, count: number): void {
    this.heard.push(`${from} ints ${type} [${ints.subarray(offset, offset + count).join(' ')}]`);
  }
  receiveBytes(from: number, type: number, bytes: Uint8Array): void {
    this.heard.push(`${from} bytes ${type} [${Buffer.from(bytes).toString('latin1')}]`);
  }
  /** What was heard since the last call. */
  take(): string[] {
    return this.heard.splice(0);
  }
}

type House = { mesh: Mesh; ports: MeshPort[]; bells: string[]; port: (thread: number) => MeshPort };

function house(threads: number, ringBytes = RING_BYTES): House {
  const mesh = createMesh(threads, ringBytes);
  const bells: string[] = [];
  const ports = Array.from(
    { length: threads },
    (_, self) => new MeshPort(mesh, self, { ring: (to) => void bells.push(`${self}>${to}`) }),
  );
  const port = (thread: number): MeshPort => ports[thread]!;
  return { mesh, ports, bells, port };
}

/** Moves everything from thread 0 to thread 1. */
function settle(from: MeshPort, to: MeshPort, receiver: Receiver): void {
  do from.flush();
  while (to.drain(receiver, 1000) > 0);
}

const mesh = suite('mesh');

mesh('ints and bytes arrive with sender and type', () => {
  const { port } = house(2);
  const ear = new Ear();
  port(0).sendInts(1, 5, Int32Array.of(1, -2, 3, 4), 3);
  port(0).sendBytes(1, 0xffffff, Buffer.from('hello'));
  port(0).sendInts(1, 0, new Int32Array(0), 0);
  port(0).flush();
  assert.is(port(1).drain(ear, 10), 3);
  assert.equal(ear.take(), ['0 ints 5 [1 -2 3]', '0 bytes 16777215 [hello]', '0 ints 0 []']);
});

mesh('ints from a part of an array, few and many', () => {
  const { port } = house(2, 16 * RING_BYTES);
  const ear = new Ear();
  const all = Int32Array.from({ length: 300 }, (_, i) => i - 100);
  port(0).sendInts(1, 1, all.subarray(10, 13), 2);
  settle(port(0), port(1), ear);
  assert.equal(ear.take(), ['0 ints 1 [-90 -89]']);
  for (const count of [255, 256, 257, 299, 300]) {
    port(0).sendInts(1, 1, all, count);
    settle(port(0), port(1), ear);
    assert.equal(ear.take(), [`0 ints 1 [${all.subarray(0, count).join(' ')}]`]);
  }
});

mesh('types over 24 bits, unknown threads and the thread itself are refused', () => {
  const { port } = house(2);
  for (const type of [-1, 2 ** 24, 1.5]) assert.throws(() => port(0).sendBytes(1, type, Buffer.alloc(1)), RangeError);
  assert.throws(() => port(0).sendInts(0, 1, new Int32Array(1), 1), RangeError);
  assert.throws(() => port(0).sendBytes(2, 1, Buffer.alloc(1)), RangeError);
  assert.throws(() => createMesh(0, RING_BYTES), RangeError);
});

mesh('what the ring cannot hold waits in order and follows when there is room', () => {
  const { port } = house(2);
  const ear = new Ear();
  const expected: string[] = [];
  for (let n = 0; n < 500; n += 1) {
    port(0).sendInts(1, n, Int32Array.of(n, n), 2);
    expected.push(`0 ints ${n} [${n} ${n}]`);
  }
  assert.ok(port(0).waitingBytes > 0);
  port(0).flush();
  port(1).drain(ear, 1000);
  assert.is(ear.heard.length, RING_BYTES / 16);
  port(0).sendBytes(1, 7, Buffer.from('late'));
  expected.push('0 bytes 7 [late]');
  assert.is(port(1).drain(ear, 1000), 0, 'a new message must not overtake those that wait');
  settle(port(0), port(1), ear);
  assert.equal(ear.take(), expected);
  assert.is(port(0).waitingBytes, 0);
});

mesh('messages around and above the size of the ring arrive whole', () => {
  const { port } = house(2);
  const ear = new Ear();
  const longest = RING_BYTES / 4 - 8;
  for (const length of [longest - 1, longest, longest + 1, 2 * longest - 8, 2 * longest - 7, 2 * longest, 10_000, 300_001]) {
    const text = Array.from({ length }, (_, i) => String.fromCharCode(97 + (i % 23))).join('');
    port(0).sendBytes(1, 3, Buffer.from(text));
    port(0).sendInts(1, 4, Int32Array.of(length), 1);
    settle(port(0), port(1), ear);
    assert.equal(ear.take(), [`0 bytes 3 [${text}]`, `0 ints 4 [${length}]`], `length ${length}`);
  }
  const many = Int32Array.from({ length: 5001 }, (_, i) => i * i);
  port(0).sendInts(1, 9, many, 5000);
  settle(port(0), port(1), ear);
  assert.equal(ear.take(), [`0 ints 9 [${many.subarray(0, 5000).join(' ')}]`]);
});

mesh('a message over the bound is refused and nothing of it is sent', () => {
  const { port } = house(2);
  assert.throws(() => port(0).sendBytes(1, 1, new Uint8Array(FRAGMENTED_MESSAGE_MAX + 1)), RangeError);
  assert.is(port(0).waitingBytes, 0);
  assert.is(port(1).drain(new Ear(), 1), 0);
});

mesh('pressure rises above the bound and falls when the outbox is empty again', () => {
  const { port } = house(2);
  const bytes = new Uint8Array(64 * 1024);
  for (let sent = 0; sent <= OUTBOX_BYTES_MAX - 1024 * 1024; sent += bytes.length) port(0).sendBytes(1, 1, bytes);
  assert.not(port(0).pressure);
  while (port(0).waitingBytes <= OUTBOX_BYTES_MAX) port(0).sendBytes(1, 1, bytes);
  assert.ok(port(0).pressure);
  settle(port(0), port(1), new Ear());
  assert.not(port(0).pressure);
  assert.is(port(0).waitingBytes, 0);
});

mesh('a drain is fair: equal shares, the first one rotates, the rest goes to who has more', () => {
  const { port } = house(4);
  const ear = new Ear();
  for (const from of [1, 2, 3]) {
    for (let n = 0; n < 10; n += 1) port(from).sendInts(0, n, new Int32Array(0), 0);
    port(from).flush();
  }
  assert.is(port(0).drain(ear, 3), 3);
  assert.equal(ear.take().map((line) => line[0]), ['1', '2', '3']);
  assert.is(port(0).drain(ear, 1), 1);
  assert.equal(ear.take(), ['2 ints 1 []']);
  assert.is(port(0).drain(ear, 1000), 26);
  ear.take();
  for (let n = 0; n < 20; n += 1) port(2).sendInts(0, n, new Int32Array(0), 0);
  port(2).flush();
  assert.is(port(0).drain(ear, 12), 12, 'silent threads leave their share to the others');
});

mesh('a bell is rung at flush, once, and only for a thread that sleeps', () => {
  const { port, bells } = house(2);
  const word = Int32Array.of(1);
  port(0).sendInts(1, 1, word, 1);
  port(0).flush();
  assert.equal(bells, [], 'nobody sleeps');
  port(1).drain(new Ear(), 10);
  assert.ok(port(1).sleep());
  port(0).flush();
  assert.equal(bells, [], 'nothing new');
  port(0).sendInts(1, 1, word, 1);
  port(0).sendInts(1, 1, word, 1);
  assert.equal(bells, []);
  port(0).flush();
  port(0).sendInts(1, 1, word, 1);
  port(0).flush();
  assert.equal(bells, ['0>1']);
  port(1).wake();
  port(1).drain(new Ear(), 10);
  assert.ok(port(1).sleep());
  port(0).sendInts(1, 1, word, 1);
  port(0).flush();
  assert.equal(bells, ['0>1', '0>1']);
});

mesh('a thread does not sleep over what came in, and rings no bell for itself', () => {
  const { port, bells } = house(2);
  port(0).sendInts(1, 1, Int32Array.of(1), 1);
  port(0).flush();
  assert.not(port(1).sleep());
  port(0).sendInts(1, 1, Int32Array.of(1), 1);
  port(0).flush();
  assert.equal(bells, [], 'it is awake');
  assert.is(port(1).drain(new Ear(), 1), 1);
  assert.not(port(1).sleep());
  assert.is(port(1).drain(new Ear(), 1), 1);
  assert.ok(port(1).sleep());
});

mesh('going to sleep rings for what was sent since the last flush', () => {
  const { port, bells } = house(2);
  assert.ok(port(1).sleep());
  port(0).sendInts(1, 1, Int32Array.of(1), 1);
  assert.ok(port(0).sleep());
  assert.equal(bells, ['0>1']);
});

mesh('a sender that sleeps over a full ring is woken when half of it is free', () => {
  const { port, bells } = house(2);
  const ear = new Ear();
  for (let n = 0; n < 100; n += 1) port(0).sendInts(1, n, Int32Array.of(n, n), 2);
  assert.ok(port(0).sleep());
  port(1).drain(ear, 20);
  assert.equal(bells, []);
  port(1).drain(ear, 20);
  assert.equal(bells, ['1>0']);
  port(0).wake();
  assert.ok(port(0).sleep());
  assert.is(port(0).waitingBytes, 0, 'the rest moved into the ring');
  settle(port(0), port(1), ear);
  assert.is(ear.heard.length, 100);
  assert.ok(port(0).sleep());
});

mesh('a receiver that throws still rings for the sender that waits for room', () => {
  const { port, bells } = house(2);
  const bytes = Buffer.alloc(200);
  for (let n = 0; n < 6; n += 1) port(0).sendBytes(1, n, bytes);
  assert.ok(port(0).sleep());
  const receiver: Receiver = {
    receive: () => undefined,
    receiveBytes: (_from, type) => {
      if (type === 3) throw new Error('crash');
    },
  };
  assert.throws(() => port(1).drain(receiver, 100), 'crash');
  assert.equal(bells, ['1>0']);
});

mesh('a replacement goes on behind the dead thread, and drops the message that was half sent', () => {
  const { mesh: memory, port, bells } = house(2);
  const ear = new Ear();
  port(0).sendInts(1, 1, Int32Array.of(1), 1);
  port(0).sendBytes(1, 2, new Uint8Array(10_000));
  port(0).flush();
  port(0).sendInts(1, 1, Int32Array.of(1), 1);
  const heir = new MeshPort(memory, 0, { ring: (to) => void bells.push(`heir>${to}`) });
  port(1).drain(ear, 100);
  heir.sendInts(1, 3, Int32Array.of(3), 1);
  heir.flush();
  port(1).drain(ear, 100);
  assert.equal(ear.take(), ['0 ints 1 [1]', '0 ints 3 [3]']);
  assert.is(port(1).brokenMessages, 1);
});

mesh('the rest of a message whose first part died with the receiver is dropped, the next one is not', () => {
  const { mesh: memory, port } = house(2);
  const ear = new Ear();
  port(0).sendBytes(1, 2, new Uint8Array(10_000));
  port(0).sendBytes(1, 3, Buffer.from('next'));
  port(0).flush();
  assert.is(port(1).drain(ear, 2), 2);
  const heir = new MeshPort(memory, 1, { ring: () => undefined });
  settle(port(0), heir, ear);
  assert.equal(ear.take(), ['0 bytes 3 [next]']);
  assert.is(heir.brokenMessages, 1);
});

mesh('a replacement starts awake', () => {
  const { mesh: memory, port, bells } = house(2);
  assert.ok(port(1).sleep());
  new MeshPort(memory, 1, { ring: () => undefined });
  port(0).sendInts(1, 1, Int32Array.of(1), 1);
  port(0).flush();
  assert.equal(bells, []);
});

mesh.run();
