/** The consumer thread of the takeover test: keeps the number of each record, then dawdles, then reads its words. */
import { workerData } from 'node:worker_threads';
import { RingConsumer } from '../../actors/runtime/ring/ring-consumer.ts';
import { KEPT_AGAIN, KEPT_POSITION, KEPT_SEQUENCE, type ReaderOrders } from './ring-kept.ts';
import { HastyConsumer, Pause, loadLength, mixed } from './ring-load.ts';

/** Turns of an empty loop in the middle of each record: most readers are ended there. */
const DAWDLE_TURNS = 3000;

const orders = workerData as ReaderOrders;
const kept = new Int32Array(orders.kept);
const consumer = orders.hasty ? new HastyConsumer(orders.ring) : new RingConsumer(orders.ring);
let first = true;

const handler = {
  record(_type: number, offset: number, length: number): void {
    const { words } = consumer;
    const at = offset >> 2;
    const sequence = words[at]!;
    const before = kept[KEPT_SEQUENCE]!;
    if (first && sequence === before) {
      if (consumer.position !== kept[KEPT_POSITION]) throw new Error(`lost: record ${sequence} came again at another position`);
      Atomics.add(kept, KEPT_AGAIN, 1);
    } else if (sequence !== before + 1) throw new Error(`lost: record ${sequence} came after ${before}`);
    first = false;
    Atomics.store(kept, KEPT_POSITION, consumer.position);
    Atomics.store(kept, KEPT_SEQUENCE, sequence);
    for (let turn = 0; turn < DAWDLE_TURNS; turn += 1) Atomics.load(kept, KEPT_AGAIN);
    if (length !== loadLength(sequence, 0, orders.lengthMax)) throw new Error(`torn: record ${sequence} has ${length} bytes`);
    const seed = mixed(sequence, 0);
    for (let i = 2; i < length >> 2; i += 1) {
      if (words[at + i] !== Math.imul(seed, i)) throw new Error(`torn: word ${i} of record ${sequence}`);
    }
  },
};

const pause = new Pause();
for (;;) {
  if (consumer.read(handler, 100) > 0) pause.reset();
  else pause.take();
}
