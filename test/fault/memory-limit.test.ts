/**
 * Producers faster than their consumers, and consumers that stop reading: the node's memory stays within its limit, who asked
 * for it hears `connection.blocked` and later `connection.unblocked`, and every other connection is served meanwhile.
 */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type BrokerProcess, startBrokerProcess } from '../support/broker-process.ts';
import { brokenCopy } from '../support/fault-node.ts';
import { FRAME, type RawChannel, frame } from '../support/raw-channel.ts';
import { RawClient } from '../support/raw-client.ts';
import { longlong, short, shortstr } from '../support/raw-bytes.ts';

const LIMIT_BYTES = 128 * 1024 * 1024;
/** What a client may offer before it must have been blocked, or all of it was paged out, bytes of memory. */
const OFFERED_MAX_BYTES = 3 * LIMIT_BYTES;
/** What a message takes in memory beside its body, at least. */
const MESSAGE_BYTES = 128;
const BATCH_BYTES = 256 * 1024;
/** Of each size, before the baseline is taken: code is compiled, heaps and pools have their working size. */
const WARM_UP_BATCHES = 60;
/** What the store needs to page out, bytes: its heap, what LMDB writes in one commit, and pages of its map (48 MiB at most between two looks). */
const STORE_WORKING_BYTES = 96 * 1024 * 1024;
/** Clients that warm a node of several threads up. */
const WARM_UP_CLIENTS = 5;
/** How often a load moves: that all of them came to one thread of two is one in 16. */
const TURNS = 5;
/** Questions of another connection that are asked and answered while the node is at its limit. How fast that is says more of the machine. */
const ANSWERS_AT_LIMIT = 20;
/** How long the node stays at its limit at least, milliseconds. */
const AT_LIMIT_MS = 1_000;
const MIB = 1024 * 1024;
/** A mapping of this size is one of the arenas of messages. */
const ARENA_BYTES = 2 ** 30;

const limited = suite('the memory limit');
let process_: BrokerProcess;
/** Memory of a node that has worked and holds nothing, bytes. */
let baselineBytes = 0;

/** As many publishes as make up a batch, in one buffer. */
function batchOf(queue: string, bodyBytes: number): { readonly bytes: Buffer; readonly count: number } {
  const publish = Buffer.concat([short(60), short(40), short(0), shortstr(''), shortstr(queue), Buffer.of(0)]);
  const header = Buffer.concat([short(60), short(0), longlong(bodyBytes), short(0)]);
  const parts = [frame(FRAME.method, 1, publish), frame(FRAME.header, 1, header)];
  for (let at = 0; at < bodyBytes; at += 100_000) parts.push(frame(FRAME.body, 1, Buffer.alloc(Math.min(100_000, bodyBytes - at), 7)));
  const message = Buffer.concat(parts);
  const count = Math.max(1, Math.floor(BATCH_BYTES / message.length));
  return { bytes: Buffer.concat(Array.from({ length: count }, () => message)), count };
}

function isAll(messages: number, bodyBytes: number): boolean {
  return messages * (MESSAGE_BYTES + bodyBytes) >= OFFERED_MAX_BYTES;
}

/** A producer that writes as fast as its socket takes it, until it has offered enough. */
class Producer {
  readonly client: RawClient;
  readonly ended: Promise<void>;
  readonly blocked: Promise<void>;
  isBlocked = false;
  offered = 0;
  #stopped = false;

  constructor(client: RawClient, queue: string, bodyBytes: number) {
    this.client = client;
    this.blocked = client.connection.inbox.take('connection.blocked', 60_000).then(({ name }) => {
      assert.is(name, 'connection.blocked');
      this.isBlocked = true;
    });
    this.blocked.catch(() => undefined);
    this.ended = this.#run(batchOf(queue, bodyBytes), bodyBytes);
  }

  async #run({ bytes, count }: { readonly bytes: Buffer; readonly count: number }, bodyBytes: number): Promise<void> {
    while (!this.#stopped && !isAll(this.offered, bodyBytes)) {
      this.client.write(bytes);
      this.offered += count;
      await this.client.drained();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  stop(): void {
    this.#stopped = true;
  }
}

async function produce(queue: string, bodyBytes: number): Promise<Producer> {
  const client = await RawClient.connect(process_.broker);
  await client.openChannel(1);
  return new Producer(client, queue, bodyBytes);
}

/**
 * Samples memory and the time of an answer on another connection until the node has been at its limit (`reached`) for some time and so many
 * questions. Throws when one is not answered: nothing is taken from the node meanwhile that would free it.
 */
async function observe(other: RawChannel, queue: string, reached: Promise<unknown>): Promise<{ peakBytes: number; slowestMs: number }> {
  let reachedAtMs = Infinity;
  void reached.catch(() => undefined).then(() => (reachedAtMs = performance.now()));
  let peakBytes = 0;
  let slowestMs = 0;
  let answers = 0;
  while (answers < ANSWERS_AT_LIMIT || performance.now() < reachedAtMs + AT_LIMIT_MS) {
    const askedAt = performance.now();
    await other.call('queue.declare', { queue, passive: true });
    if (askedAt >= reachedAtMs) answers++;
    slowestMs = Math.max(slowestMs, performance.now() - askedAt);
    peakBytes = Math.max(peakBytes, process_.residentBytes());
    await new Promise<void>((resolve) => setTimeout(resolve, 10));
  }
  return { peakBytes, slowestMs };
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function warmUp(): Promise<void> {
  const client = await RawClient.connect(process_.broker);
  const channel = await client.openChannel();
  await channel.queue('warm');
  await channel.consume('warm', { noAck: true });
  for (const bodyBytes of [100, 4_000, 300_000]) {
    const { bytes, count } = batchOf('warm', bodyBytes);
    for (let round = 0; round < WARM_UP_BATCHES; round++) {
      client.write(bytes);
      await channel.deliveries(count);
    }
  }
  await client.close();
}

async function start(schedulers: number, root?: string): Promise<void> {
  process_ = await startBrokerProcess(['--memory-high-watermark', String(LIMIT_BYTES), '--schedulers', String(schedulers)], root);
  // One after the other, so that every thread has worked.
  for (let one = 0; one < (schedulers === 1 ? 1 : WARM_UP_CLIENTS); one++) await warmUp();
  baselineBytes = process_.residentBytes();
}

type Case = { readonly name: string; readonly schedulers: number; readonly bodyBytes: number; readonly noAck: boolean; readonly reading: boolean };

const CASES: readonly Case[] = [
  { name: 'a consumer that stops reading, no acknowledgements, small bodies', schedulers: 1, bodyBytes: 100, noAck: true, reading: false },
  { name: 'a consumer that stops reading, no acknowledgements, large bodies', schedulers: 2, bodyBytes: 300_000, noAck: true, reading: false },
  { name: 'a consumer that stops reading, acknowledgements, small bodies', schedulers: 2, bodyBytes: 100, noAck: false, reading: false },
  { name: 'a consumer that stops reading, acknowledgements, large bodies', schedulers: 1, bodyBytes: 300_000, noAck: false, reading: false },
  { name: 'a producer ten times faster than its consumer', schedulers: 2, bodyBytes: 4_000, noAck: false, reading: true },
];

/** What one case did to the node, and how long others waited. */
type Seen = { readonly isBlocked: boolean; readonly isAllOffered: boolean; readonly peakBytes: number; readonly allowedBytes: number; readonly slowestMs: number };

async function run({ bodyBytes, noAck, reading }: Case, goesOn: boolean): Promise<Seen> {
  const queue = 'full';
  const other = await RawClient.connect(process_.broker);
  const asking = await other.openChannel();
  await asking.call('queue.declare', { queue });
  const reader = await RawClient.connect(process_.broker);
  const consuming = await reader.openChannel();
  if (!noAck) await consuming.call('basic.qos', { prefetchCount: reading ? 20 : 0 });
  await consuming.consume(queue, { noAck });
  if (!reading) reader.stopReading();
  let slow = reading;
  const reads = (async (): Promise<void> => {
    while (reading) {
      const deliveries = await consuming.deliveries(10);
      consuming.send('basic.ack', { deliveryTag: deliveries.at(-1)!.fields.deliveryTag, multiple: true });
      if (slow) await later(20);
    }
  })().catch(() => undefined);

  const producer = await produce(queue, bodyBytes);
  const { peakBytes, slowestMs } = await observe(asking, queue, Promise.race([producer.blocked, producer.ended]));
  producer.stop();
  const allowedBytes = baselineBytes + LIMIT_BYTES * 1.1 + STORE_WORKING_BYTES;
  const isAllOffered = isAll(producer.offered, bodyBytes);
  const seen = { isBlocked: producer.isBlocked, isAllOffered, peakBytes, allowedBytes, slowestMs };
  if (!goesOn) {
    for (const client of [producer.client, reader, other]) client.drop();
    return seen;
  }

  slow = false;
  // Small bodies may all have been paged out: then there was nothing to block.
  let isUnblocked = !producer.isBlocked;
  const unblocked = isUnblocked
    ? Promise.resolve(true)
    : producer.client.connection.expect('connection.unblocked').then(() => (isUnblocked = true));
  if (!reading) {
    // The hanging client goes, and what it held comes back before it is purged.
    reader.drop();
    for (let purged = 1; purged > 0 || !isUnblocked; await Promise.race([later(20), unblocked])) {
      purged = (await asking.call('queue.purge', { queue })).messageCount;
    }
  }
  await unblocked;
  await asking.call('queue.delete', { queue });
  for (const client of [producer.client, reader, other]) client.drop();
  await Promise.all([producer.ended, reads]);
  return seen;
}

function figuresOf({ peakBytes, allowedBytes, slowestMs }: Seen): string {
  const [baseline, peak, allowed] = [baselineBytes, peakBytes, allowedBytes].map((bytes) => (bytes / MIB).toFixed(0));
  return `baseline ${baseline} MiB, peak ${peak} of ${allowed} MiB, slowest answer ${slowestMs.toFixed(0)} ms`;
}

for (const each of CASES) {
  limited(`${each.name}, on ${each.schedulers} threads: memory stays within the limit, and everybody else is served`, async () => {
    await start(each.schedulers);
    try {
      const seen = await run(each, true);
      const figures = figuresOf(seen);
      process.stdout.write(`${each.name}: ${figures}\n`);
      assert.ok(seen.isBlocked || seen.isAllOffered, `connection.blocked was seen, or everything was taken and paged out: ${figures}`);
      assert.ok(seen.peakBytes <= seen.allowedBytes, figures);
    } finally {
      await process_.stop();
    }
  });
}

/** Memory of the arenas that is in RAM, bytes: anonymous mappings of their size, with what the system joined to them. */
function arenaBytes(): number {
  const mappings = readFileSync(`/proc/${process_.pid}/smaps`, 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  let sum = 0;
  for (const mapping of mappings) {
    const isFile = mapping.slice(0, mapping.indexOf('\n')).includes('/');
    const bytesOf = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(mapping)?.[1] ?? 0) * 1024;
    if (!isFile && bytesOf('Size') >= ARENA_BYTES) sum += bytesOf('Rss');
  }
  return sum;
}

/**
 * Fills a queue up to the limit and empties it again, as another client each time: its thread may be another one, too. Somebody holds all of it
 * unsettled, so that it cannot be paged out.
 */
async function fillInTurns(): Promise<void> {
  const queue = 'turns';
  const other = await RawClient.connect(process_.broker);
  const asking = await other.openChannel();
  await asking.call('queue.declare', { queue });
  for (let turn = 0; turn < TURNS; turn++) {
    const holder = await RawClient.connect(process_.broker);
    await (await holder.openChannel()).consume(queue);
    const producer = await produce(queue, 4_000);
    await producer.blocked;
    producer.stop();
    holder.drop();
    let isUnblocked = false;
    const unblocked = producer.client.connection.expect('connection.unblocked').then(() => (isUnblocked = true));
    while (!isUnblocked) {
      await asking.call('queue.purge', { queue });
      await Promise.race([later(20), unblocked]);
    }
    producer.client.drop();
    await producer.ended;
    await asking.call('queue.purge', { queue });
  }
  other.drop();
}

limited('a load that moves from one thread to another: both take messages from the same memory', async () => {
  await start(2);
  try {
    await fillInTurns();
    const figures = `${(arenaBytes() / MIB).toFixed(0)} MiB of arenas, limit ${LIMIT_BYTES / MIB} MiB`;
    process.stdout.write(`a load that moves: ${figures}\n`);
    // Not twice the limit. How soon publishers stop is for the cases above.
    assert.ok(arenaBytes() > LIMIT_BYTES / 2 && arenaBytes() <= LIMIT_BYTES * 1.25, figures);
  } finally {
    await process_.stop();
  }
});

limited('is caught: a broker that never says that its memory is low', async () => {
  const right = 'const above = used > memoryLimitBytes * (wasAbove ? ALARM_ENDS_BELOW : 1);';
  const copy = brokenCopy({ file: 'src/main/thread-actors.ts', right, wrong: 'const above = used < 0 && memoryLimitBytes < ALARM_ENDS_BELOW;' });
  try {
    await start(1, copy.root);
    const seen = await run(CASES[1]!, false);
    assert.not.ok(seen.isBlocked);
    assert.ok(seen.peakBytes > seen.allowedBytes, figuresOf(seen));
  } finally {
    await process_.stop();
    copy.remove();
  }
});

limited('is caught: a broker that reads from nobody while its memory is low', async () => {
  const right = 'if (this.#node.alarms.length > 0) this.#block();\n      }';
  const copy = brokenCopy({ file: 'actors/connection/connection-actor.ts', right, wrong: '}\n if (this.#node.alarms.length > 0) this.#block();' });
  try {
    await start(1, copy.root);
    const unanswered = await run(CASES[1]!, false).then(() => 'nothing', String);
    assert.match(unanswered, 'queue.declare-ok');
  } finally {
    await process_.stop();
    copy.remove();
  }
});

limited.run();
