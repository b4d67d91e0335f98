/** What a producer writes at once: messages that are all alike and were encoded once, or ones that are put together each time. */
import type { BatchShape, PublishBatch } from './batch-shape.ts';
import { ComposedBatch } from './composed-batch.ts';
import { encodePublish, stampBatch, stampedMessages, type PublishWire, type Route } from './publish-wire.ts';

export function batchOf(routes: readonly Route[], shape: BatchShape): PublishBatch {
  return shape.bodies === undefined && shape.randomKeys === undefined ? new EncodedBatch(encodePublish(routes, shape)) : new ComposedBatch(routes, shape);
}

/** Encoded once and sent many times. */
class EncodedBatch implements PublishBatch {
  readonly batchMessages: number;
  readonly #wire: PublishWire;

  constructor(wire: PublishWire) {
    this.#wire = wire;
    this.batchMessages = wire.batchMessages;
  }

  plain(count: number): Buffer {
    const { batch, batchMessages, messageBytes } = this.#wire;
    return count === batchMessages ? batch : batch.subarray(0, count * messageBytes);
  }

  stampedWith(timeNs: number, count: number): Buffer {
    stampBatch(this.#wire, count, timeNs);
    return this.plain(count);
  }

  stampedEach(timesNs: readonly number[]): Buffer {
    return stampedMessages(this.#wire, timesNs);
  }
}
