/**
 * The data directory that damages are tried on: durable queues with all that a store holds, and what must come out of each of them.
 * Each body says where it belongs, and ends with a checksum of its own.
 */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Random } from '../support/hostile/random.ts';
import { RawClient } from '../support/raw-client.ts';
import type { RawChannel } from '../support/raw-channel.ts';
import { startFaultNode } from '../support/fault-node.ts';
import { StoredQueues } from '../../src/main/inspection/stored-queues.ts';
import { openUnapplied } from '../../src/main/inspection/unapplied.ts';
import { until } from '../support/traffic.ts';

export const STORE_FILE = 'store.mdb';
export const JOURNAL_FILE = 'store.journal';
/** Records that the copy of a running node's journal must hold. */
const RECORDS_LEAST = 4;

/** What must come out of each queue, in order: hex digests would do, but whole bodies show what went wrong. */
export type QueueContents = Readonly<Record<string, readonly string[]>>;

export type DamageWorld = {
  /** The store's file after a clean stop, and as it was some commits before. */
  readonly bytes: Buffer;
  readonly earlier: Buffer;
  readonly expected: QueueContents;
  /** Both files as the node would have left them if it had been killed. */
  readonly killed: { readonly bytes: Buffer; readonly journal: Buffer };
};

const PERSISTENT = { deliveryMode: 2 } as const;
const FANS = ['fan-1', 'fan-2', 'fan-3'];

/** `label` and fill, and behind them their checksum, in eight hexadecimal digits. */
function bodyOf(label: string, sizeBytes: number, random: Random): string {
  const fill = random.bytes(Math.ceil(sizeBytes / 2)).toString('hex');
  const text = `${label} ${fill}`;
  return text + crc32(text).toString(16).padStart(8, '0');
}

export function isWhole(body: string): boolean {
  return body.length > 8 && crc32(body.slice(0, -8)).toString(16).padStart(8, '0') === body.slice(-8);
}

class Filling {
  readonly contents: Record<string, string[]> = {};
  readonly #channel: RawChannel;
  readonly #random: Random;
  #serial = 0;

  constructor(channel: RawChannel, random: Random) {
    this.#channel = channel;
    this.#random = random;
  }

  async declare(queue: string): Promise<void> {
    await this.#channel.call('queue.declare', { queue, durable: true });
    this.contents[queue] = [];
  }

  /** Published together and confirmed together: a segment or several. */
  async publish(exchange: string, routingKey: string, queues: readonly string[], count: number, least: number, most: number): Promise<void> {
    for (let each = 0; each < count; each++) {
      const body = bodyOf(`${routingKey} ${++this.#serial}`, this.#random.between(least, most), this.#random);
      this.#channel.publish({ exchange, routingKey }, body, PERSISTENT);
      for (const queue of queues) this.contents[queue]!.push(body);
    }
    await this.#confirmed(count);
  }

  /** Takes some from the head: of the first few every other one, so that states have holes. */
  async settle(queue: string, count: number): Promise<void> {
    const contents = this.contents[queue]!;
    const kept: number[] = [];
    const left: string[] = [];
    for (let each = 0; each < count; each++) {
      const { deliveryTag } = (await this.#channel.get(queue, false)).fields;
      if (each % 2 === 0) this.#channel.send('basic.ack', { deliveryTag });
      else kept.push(deliveryTag);
      if (each % 2 !== 0) left.push(contents[each]!);
    }
    for (const tag of kept) this.#channel.send('basic.nack', { deliveryTag: tag, requeue: true });
    contents.splice(0, count, ...left);
  }

  async #confirmed(count: number): Promise<void> {
    for (let done = 0; done < count; ) {
      const ack = await this.#channel.expect('basic.ack');
      done = ack.multiple ? ack.deliveryTag - this.#confirms : done + 1;
    }
    this.#confirms += count;
  }

  #confirms = 0;
}

/** Fills a node in `directory` and stops it in order. */
export async function buildDamageWorld(directory: string, seed: number): Promise<DamageWorld> {
  mkdirSync(directory);
  const file = join(directory, STORE_FILE);
  const earlierFile = join(directory, 'earlier.mdb');
  const fault = await startFaultNode({ dataDir: directory, schedulers: 1 });
  let contents: QueueContents;
  let killed: DamageWorld['killed'] | undefined;
  try {
    const client = await RawClient.connect(fault.broker);
    const channel = await client.openChannel(1);
    await channel.call('confirm.select');
    const filling = new Filling(channel, new Random(seed));
    for (const queue of ['small', 'large', 'holes', 'lone', 'empty', ...FANS]) await filling.declare(queue);
    await channel.call('exchange.declare', { exchange: 'fan', type: 'fanout', durable: true });
    for (const queue of FANS) await channel.call('queue.bind', { queue, exchange: 'fan', routingKey: '' });
    await filling.publish('', 'holes', ['holes'], 40, 20, 200);
    for (let round = 0; round < 3; round++) {
      await filling.publish('', 'small', ['small'], 60, 20, 120);
      await filling.publish('', 'large', ['large'], 3, 3_000, 30_000);
      await filling.publish('fan', '', FANS, 12, 100, 3_000);
    }
    copyFileSync(file, earlierFile);
    await filling.publish('', 'lone', ['lone'], 1, 40, 40);
    await filling.publish('', 'holes', ['holes'], 20, 1_000, 3_000);
    await filling.settle('holes', 12);
    await filling.settle('small', 6);
    await filling.publish('', 'fan-1', ['fan-1'], 5, 30, 60);
    contents = filling.contents;
    // An idle node empties its journal.
    while (killed === undefined) {
      for (let each = 0; each < RECORDS_LEAST; each++) await filling.publish('', 'fan-2', ['fan-2'], 1, 30, 60);
      const wanted = Object.values(filling.contents).reduce((sum, { length }) => sum + length, 0);
      await until(() => storedIn(file) === wanted, 'all is stored', () => storedIn(file));
      const journal = readFileSync(join(directory, JOURNAL_FILE));
      const bytes = readFileSync(file);
      if ((openUnapplied(file, true).journal?.records ?? 0) >= RECORDS_LEAST) killed = { bytes, journal };
    }
    await client.close();
  } finally {
    await fault.close();
  }
  if (fault.surprises.length > 0) throw new Error(fault.surprises.join());
  return { bytes: readFileSync(file), earlier: readFileSync(earlierFile), expected: contents, killed };
}

/** Messages on the disk, of a node that runs. */
function storedIn(file: string): number {
  const queues = new StoredQueues(openUnapplied(file, true).disk);
  return queues.ids().reduce((sum, id) => sum + queues.examine(id).messages, 0);
}
