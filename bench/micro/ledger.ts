/** Cost of the books: a queue's ledger (append, deliver, settle), a channel's delivery tags and its confirms. */
import { BlockAllocator } from '../../native-free-io/memory/block-allocator.ts';
import { BlockTable } from '../../native-free-io/memory/block-table.ts';
import { BLOCK_SHIFT, BLOCK_WORDS, NEXT, UNIT_MASK, createSharedMemory } from '../../native-free-io/memory/memory-layout.ts';
import { ConfirmLedger } from '../../src/amqp/confirm-ledger.ts';
import { DeliveryLedger } from '../../src/amqp/delivery-ledger.ts';
import { SLOT_WORDS } from '../../src/broker/queue/ledger-layout.ts';
import { QueueMachine, Settle } from '../../src/broker/queue/queue-machine.ts';
import type { QueueMemory } from '../../src/broker/queue/queue-memory.ts';
import { report } from './support/report.ts';

const MESSAGES = 1000;

const table = new BlockTable(createSharedMemory(1, 64 * 1024 * 1024));
const allocator = new BlockAllocator(table, 0);
const memory: QueueMemory = {
  slots: new Int32Array(2 * SLOT_WORDS),
  intsOf: (address) => table.ints[address >>> 26]!,
  intOffsetOf: (address) => (address & UNIT_MASK) << 2,
  allocateChunk: () => allocator.allocateBlock(),
  freeChunk: (address) => table.freeBlock(address),
  nextChunk: (address) => table.blocks[(address >>> BLOCK_SHIFT) * BLOCK_WORDS + NEXT]!,
  setNextChunk: (address, next) => {
    table.blocks[(address >>> BLOCK_SHIFT) * BLOCK_WORDS + NEXT] = next;
  },
  release: (address) => table.release(address),
};

const delivered: number[] = [];
const queue = new QueueMachine(memory, 1, { title: "queue 'q' in vhost '/'", singleActiveConsumer: false }, {
  keptGone: () => {},
  keptReturned: () => {},
  deliver: (_consumer, _address, position) => {
    delivered.push(position);
  },
});
queue.create();
const consumer = queue.consume({
  thread: 1,
  connection: 7,
  generation: 1,
  channel: 1,
  key: 1,
  tag: 'bench',
  noAck: false,
  exclusive: false,
  priority: 0,
  prefetch: MESSAGES,
  order: 0,
});
if ('code' in consumer) throw new Error(consumer.text);

report('queue: publish, deliver, settle one by one', 'message', MESSAGES, () => {
  for (let n = 0; n < MESSAGES; n++) queue.publish(allocator.allocate(160, 1));
  queue.dispatch();
  if (delivered.length !== MESSAGES) throw new Error(`${delivered.length} were delivered`);
  for (const position of delivered) queue.settle(position, Settle.ack, 7);
  delivered.length = 0;
  table.flushReleases();
});

let settled = 0;
const count = (): void => {
  settled++;
};
const deliveries = new DeliveryLedger();
report('delivery ledger: record, settle each', 'delivery', MESSAGES, () => {
  for (let n = 0; n < MESSAGES; n++) deliveries.settle(deliveries.record(1, n), false, count);
});
report('delivery ledger: record, settle 100 at a time', 'delivery', MESSAGES, () => {
  for (let n = 1; n <= MESSAGES; n++) {
    const tag = deliveries.record(1, n);
    if (n % 100 === 0) deliveries.settle(tag, true, count);
  }
});

const confirms = new ConfirmLedger();
report('confirm ledger: publish, answer 100 at a time', 'publish', MESSAGES, () => {
  for (let n = 1; n <= MESSAGES; n++) {
    const sequence = confirms.publish(1);
    if (n % 100 !== 0) continue;
    confirms.answer((sequence - 99) | 0, 100, false);
    confirms.flush({ confirm: count });
  }
});
if (settled === 0) throw new Error('nothing was settled');
