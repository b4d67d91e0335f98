/**
 * Cost of a record, in nanoseconds: through a bare ring and through a mesh, on one thread (send, then receive, in turns of
 * 64 records) and between two (the sender sends and waits until the receiver has taken all, 4096 records at a time).
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { HEAD_WORD, TAIL_WORD, createRing } from '../../actors/runtime/ring/ring-layout.ts';
import { MeshPort, createMesh } from '../../actors/runtime/ring/mesh.ts';
import { RingConsumer } from '../../actors/runtime/ring/ring-consumer.ts';
import { RingProducer } from '../../actors/runtime/ring/ring-producer.ts';
import { report } from './support/report.ts';

const RING_BYTES = 1024 * 1024;
const TURN_RECORDS = 64;
const RUN_RECORDS = 4096;

let sum = 0;

function benchRing(sizeBytes: number): void {
  const memory = createRing(RING_BYTES);
  const producer = new RingProducer(memory);
  const consumer = new RingConsumer(memory);
  const record = (type: number, offset: number): void => {
    sum = (sum + type + consumer.words[offset >> 2]!) | 0;
  };
  report(`ring, one thread, ${sizeBytes} bytes, one word written`, 'record', TURN_RECORDS, () => {
    for (let n = 0; n < TURN_RECORDS; n += 1) {
      producer.words[producer.claim(sizeBytes) >> 2] = n;
      producer.commit(7);
    }
    consumer.read({ record }, TURN_RECORDS);
  });
}

const receiver = {
  receive: (_from: number, type: number, ints: Int32Array, offset: number): void => {
    sum = (sum + ints[offset]! + type) | 0;
  },
  receiveBytes: (_from: number, _type: number, bytes: Uint8Array): void => {
    sum = (sum + bytes[0]!) | 0;
  },
};

function benchMesh(sizeBytes: number): void {
  const mesh = createMesh(2, RING_BYTES);
  const [near, far] = [0, 1].map((self) => new MeshPort(mesh, self, { ring: () => undefined })) as [MeshPort, MeshPort];
  const ints = new Int32Array(sizeBytes >> 2);
  const bytes = new Uint8Array(ints.buffer);
  report(`mesh, one thread, sendInts, ${sizeBytes} bytes`, 'record', TURN_RECORDS, () => {
    for (let n = 0; n < TURN_RECORDS; n += 1) near.sendInts(1, 7, ints, ints.length);
    near.flush();
    far.drain(receiver, TURN_RECORDS);
  });
  report(`mesh, one thread, sendBytes, ${sizeBytes} bytes`, 'record', TURN_RECORDS, () => {
    for (let n = 0; n < TURN_RECORDS; n += 1) near.sendBytes(1, 7, bytes);
    near.flush();
    far.drain(receiver, TURN_RECORDS);
  });
}

async function benchThreads(sizeBytes: number): Promise<void> {
  const mesh = createMesh(2, RING_BYTES);
  const ended = new SharedArrayBuffer(4);
  const worker = new Worker(new URL('./ring-thread.ts', import.meta.url), { workerData: { mesh, ended } });
  await once(worker, 'online');
  const port = new MeshPort(mesh, 0, { ring: () => undefined });
  const ints = new Int32Array(sizeBytes >> 2);
  const bytes = new Uint8Array(ints.buffer);
  const words = new Int32Array(mesh.rings[1]!);
  const settle = (): void => {
    do port.flush();
    while (port.waitingBytes > 0 || Atomics.load(words, HEAD_WORD) !== Atomics.load(words, TAIL_WORD));
  };
  report(`mesh, two threads, sendInts, ${sizeBytes} bytes`, 'record', RUN_RECORDS, () => {
    for (let n = 0; n < RUN_RECORDS; n += 1) port.sendInts(1, 7, ints, ints.length);
    settle();
  });
  report(`mesh, two threads, sendBytes, ${sizeBytes} bytes`, 'record', RUN_RECORDS, () => {
    for (let n = 0; n < RUN_RECORDS; n += 1) port.sendBytes(1, 7, bytes);
    settle();
  });
  Atomics.store(new Int32Array(ended), 0, 1);
  await once(worker, 'exit');
}

for (const sizeBytes of [64, 4096]) {
  benchRing(sizeBytes);
  benchMesh(sizeBytes);
  await benchThreads(sizeBytes);
}
if (Number.isNaN(sum)) process.exitCode = 1;
