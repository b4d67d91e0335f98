/** The producer thread of the ring litmus tests. */
import { workerData } from 'node:worker_threads';
import { RingProducer } from '../../actors/runtime/ring/ring-producer.ts';
import { HastyProducer, Pause, fillLoad, loadLength, loadType, putLoad } from './ring-load.ts';

export type ProducerOrders = {
  readonly ring: SharedArrayBuffer;
  readonly records: number;
  readonly generation: number;
  readonly lengthMax: number;
  /** Commit word first: the negative control. */
  readonly hasty: boolean;
  /** Int32: 1 while a record is claimed and not committed. Absent: the thread does not keep it. */
  readonly claimed?: SharedArrayBuffer;
};

const { ring, records, generation, lengthMax, hasty, claimed } = workerData as ProducerOrders;
const producer = hasty ? new HastyProducer(ring) : new RingProducer(ring);
const pause = new Pause();

if (claimed === undefined) {
  for (let sequence = 0; sequence < records; ) {
    if (putLoad(producer, sequence, generation, lengthMax)) {
      sequence += 1;
      pause.reset();
    } else {
      producer.show();
      pause.take();
    }
  }
  producer.show();
} else {
  const flag = new Int32Array(claimed);
  for (let sequence = 0; sequence < records; ) {
    const length = loadLength(sequence, generation, lengthMax);
    const offset = producer.claim(length);
    if (offset < 0) {
      pause.take();
      continue;
    }
    pause.reset();
    Atomics.store(flag, 0, 1);
    // Twice, wrong bytes first: most of the time is spent in the middle of a record.
    for (let again = 0; again < 20; again += 1) producer.bytes.fill(again, offset, offset + length);
    fillLoad(producer.words, offset, length, sequence, generation);
    // Before the commit: a thread that ends between the two counts as one that had committed.
    Atomics.store(flag, 0, 0);
    producer.commit(loadType(sequence));
    sequence += 1;
  }
}
