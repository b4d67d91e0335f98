/**
 * Delayed messages under kill -9, crashes of actors and lost threads: every one that was confirmed reaches its queue, and none before its
 * time. One may come twice, because what is going out when the process or a thread ends goes out once more; it comes marked as redelivered then.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Child, startChild } from '../main/support/child.ts';
import type { TestBroker } from '../support/broker.ts';
import { withinDeadline } from '../support/deadline.ts';
import { type FaultNode, brokenCopy, startFaultNode } from '../support/fault-node.ts';
import type { SourceChange } from '../support/source-change.ts';
import type { RawChannel } from '../support/raw-channel.ts';
import { RawClient } from '../support/raw-client.ts';
import { table } from '../support/raw-table.ts';
import { SeededRandom, runSeed } from '../support/seeded-random.ts';
import { until } from '../support/traffic.ts';

const ROOT = join(import.meta.dirname, '../..');
const KILLS = Number(process.env['LEVERET_KILL_CYCLES'] ?? 3);
const EXCHANGE = 'later';
const QUEUE = 'arrived';
/** Publishes that wait for their confirms at once. */
const WINDOW = 200;
/** Confirms before a kill, at least. */
const LOAD = 500;
const DELAY_MAX_MS = 1_500;
/** Of a few, so that some are not due before the last process is there. */
const LONG_DELAY_MS = 6_000;
/** The replacement of a thread takes its time on a busy machine, milliseconds. */
const ACCEPT_MS = 30_000;
/** A kill in the right moment is a matter of luck. */
const CONTROL_ROUNDS = 10;
/** When nothing has come for so long, nothing does, milliseconds in which this process ran. */
const SILENT_MS = LONG_DELAY_MS + 4_000;

/** What was confirmed, and what was read: by number, with the time before which it must not come. */
class Account {
  readonly confirmed = new Set<number>();
  readonly read = new Set<number>();
  readonly #dueMs: number[] = [];
  /** Of what was confirmed, what was read. */
  #arrived = 0;
  early = 0;
  twice = 0;
  /** Of those that came twice, without a mark. */
  unmarked = 0;
  /** When the last process was there: what is due later cannot have gone out before. */
  startedMs = Infinity;
  /** Of what is due after that: marked all the same, and all. */
  markedLate = 0;
  late = 0;

  next(delayMs: number): number {
    return this.#dueMs.push(Date.now() + delayMs) - 1;
  }

  wasConfirmed(number: number): void {
    this.confirmed.add(number);
    if (this.read.has(number)) this.#arrived++;
  }

  wasRead(number: number, redelivered: boolean): void {
    if (Date.now() < this.#dueMs[number]! - 1) this.early++;
    if (this.read.has(number)) {
      this.twice++;
      if (!redelivered) this.unmarked++;
    } else if (this.confirmed.has(number)) {
      this.#arrived++;
    }
    this.read.add(number);
    if (this.#dueMs[number]! <= this.startedMs) return;
    this.late++;
    if (redelivered) this.markedLate++;
  }

  get missing(): number {
    return this.confirmed.size - this.#arrived;
  }
}

async function declare(channel: RawChannel): Promise<void> {
  await channel.call('exchange.declare', { exchange: EXCHANGE, type: 'x-delayed-message', durable: true, arguments: table({ 'x-delayed-type': ['S', 'fanout'] }) });
  await channel.call('queue.declare', { queue: QUEUE, durable: true });
  await channel.call('queue.bind', { queue: QUEUE, exchange: EXCHANGE });
}

/** Publishes with confirms until the connection ends or `isOver`. */
async function publish(broker: TestBroker, account: Account, random: SeededRandom, isOver: () => boolean): Promise<void> {
  const client = await RawClient.connect(broker).catch(() => undefined);
  if (client === undefined) return;
  try {
    const channel = await client.openChannel();
    await declare(channel);
    await channel.call('confirm.select');
    const waiting = new Map<number, number>();
    for (let tag = 0; !isOver() || waiting.size > 0; ) {
      while (!isOver() && waiting.size < WINDOW) {
        const delayMs = random.oneIn(4) ? 1 + random.below(20) : 1 + random.below(random.oneIn(20) ? LONG_DELAY_MS : DELAY_MAX_MS);
        const number = account.next(delayMs);
        channel.publish({ exchange: EXCHANGE, routingKey: '' }, String(number), { deliveryMode: 2, headers: table({ 'x-delay': ['I', delayMs] }) });
        waiting.set(++tag, number);
      }
      const { deliveryTag, multiple } = await channel.expect('basic.ack');
      for (const [each, number] of waiting) {
        if (each !== Number(deliveryTag) && !(multiple && each < Number(deliveryTag))) continue;
        waiting.delete(each);
        account.wasConfirmed(number);
      }
    }
  } catch {
    // The node or its thread is gone. What has no confirm may come or not.
  } finally {
    client.drop();
  }
}

/** While threads are being replaced nobody may accept. */
async function connectAgain(broker: TestBroker): Promise<RawClient> {
  for (;;) {
    const client = await RawClient.connect(broker).catch(() => undefined);
    if (client !== undefined) return client;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** Reads until everything that was confirmed has come, or nothing more comes for a while. */
async function drain(broker: TestBroker, account: Account): Promise<void> {
  const client = await withinDeadline(connectAgain(broker), 'somebody to accept', ACCEPT_MS);
  const channel = await client.openChannel();
  await declare(channel);
  await channel.consume(QUEUE, { noAck: true });
  const reading = (async (): Promise<void> => {
    while (account.missing > 0) {
      const delivery = await channel.delivery();
      account.wasRead(Number(delivery.text), delivery.fields.redelivered);
    }
  })().catch(() => undefined);
  await until(() => account.missing === 0, 'everything has come', () => account.read.size + account.twice, SILENT_MS).catch(() => undefined);
  client.drop();
  await reading;
}

async function startChildNode(dataDir: string, root: string): Promise<{ readonly child: Child; readonly broker: TestBroker }> {
  const child = startChild(process.execPath, [join(root, 'bin/leveret.js'), 'start', '--port', '0', '--data-dir', dataDir, '--log-level', 'error']);
  await child.said('Server startup complete\n');
  const port = Number(/amqp:\/\/127\.0\.0\.1:(\d+)/.exec(child.stdout())?.[1]);
  return { child, broker: { url: `amqp://127.0.0.1:${port}`, host: '127.0.0.1', port, user: 'guest', password: 'guest', close: () => Promise.resolve() } };
}

async function killed(kills: number, seed: number, root = ROOT): Promise<Account> {
  const dataDir = mkdtempSync(join(tmpdir(), 'leveret-delayed-'));
  const random = new SeededRandom(seed);
  const account = new Account();
  try {
    for (let kill = 0; kill < kills; kill++) {
      const { child, broker } = await startChildNode(dataDir, root);
      // Some are killed while what was due meanwhile is going out: never the first, where nothing is.
      const wanted = account.confirmed.size + (kill > 0 && random.oneIn(3) ? 1 : LOAD + random.below(1_500));
      const publishing = publish(broker, account, random, () => false);
      await until(() => account.confirmed.size >= wanted, 'messages are confirmed', () => account.confirmed.size);
      child.process.kill('SIGKILL');
      await child.ended;
      await publishing;
    }
    const { child, broker } = await startChildNode(dataDir, root);
    account.startedMs = Date.now();
    await drain(broker, account);
    child.process.kill('SIGTERM');
    await child.ended;
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
  return account;
}

type Hurt = {
  begin(fault: FaultNode): void;
  /** What was begun has happened. */
  isDone(fault: FaultNode): boolean;
};

async function hurt(seed: number, { begin, isDone }: Hurt): Promise<{ account: Account; fault: FaultNode }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'leveret-delayed-'));
  const fault = await startFaultNode({ schedulers: 2, dataDir, queueRestarts: { restarts: 100_000, periodMs: 1_000 } });
  const account = new Account();
  const random = new SeededRandom(seed);
  try {
    let over = false;
    const publishing = Promise.all([1, 2].map(async () => {
      while (!over) await publish(fault.broker, account, random, () => over);
    }));
    const moved = (): number => account.confirmed.size + fault.crashes();
    await until(() => account.confirmed.size > 500, 'messages are confirmed', moved);
    begin(fault);
    await until(() => account.confirmed.size > 3_000 && isDone(fault), 'messages are confirmed all the same', moved);
    over = true;
    await publishing;
    for (const thread of [1, 2]) fault.node.fault(thread, { type: 'plan', plan: undefined });
    // Each thread answers behind the order: nothing crashes any more while the messages are read.
    await fault.node.liveTree();
    await drain(fault.broker, account);
  } finally {
    await fault.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
  return { account, fault };
}

const delayed = suite('delayed messages');

delayed(`${KILLS} kills -9 lose none that was confirmed, and what comes twice is marked`, async () => {
  const seed = runSeed();
  let late = 0;
  // On a busy machine everything may be due before the last process is there.
  for (let round = 0; round === 0 || (late === 0 && round < CONTROL_ROUNDS); round++) {
    const account = await killed(round === 0 ? KILLS : 1, seed + round);
    late = account.late;
    process.stdout.write(`${account.read.size} read, ${account.twice} twice, ${late} due after the last start\n`);
    assert.is(account.missing, 0);
    assert.is(account.early, 0);
    assert.is(account.unmarked, 0);
    assert.is(account.markedLate, 0);
    assert.ok(account.confirmed.size >= LOAD);
  }
  assert.ok(late > 0);
});

/** The moment goes when its messages are handed out, not when their queues have them. */
const EARLY_PASS: SourceChange = {
  file: 'src/store/timeline.ts',
  right: '      this.#handed.set(number, { dueMs, count: addresses.length, isRefined: false });\n',
  wrong: '      this.#passed.set(number, { dueMs, count: addresses.length, isRefined: false });\n',
};

/** What was written before this version: nothing is marked. */
const NO_MARK: SourceChange = {
  file: 'src/store/timeline.ts',
  right: 'flags | MomentFlag.redelivered) }',
  wrong: 'flags) }',
};

delayed('is caught: what goes out once more does so unmarked', async () => {
  const { root, remove } = brokenCopy(NO_MARK);
  try {
    let unmarked = 0;
    for (let round = 0; unmarked === 0 && round < CONTROL_ROUNDS; round++) {
      const account = await killed(1, 815 + round, root);
      process.stdout.write(`${account.twice} twice, ${account.unmarked} of them unmarked\n`);
      unmarked = account.unmarked;
    }
    assert.ok(unmarked > 0);
  } finally {
    remove();
  }
});

delayed('is caught: a store that lets go of what it hands out', async () => {
  const { root, remove } = brokenCopy(EARLY_PASS);
  try {
    let missing = 0;
    for (let round = 0; missing === 0 && round < CONTROL_ROUNDS; round++) missing = (await killed(2, 4_711 + round, root)).missing;
    assert.ok(missing > 0);
  } finally {
    remove();
  }
});

delayed('crashes of their actors lose and double none', async () => {
  const seed = runSeed();
  const plan = (thread: number) => ({ group: 'queue', seed: seed + thread, everyLetters: 8, crashesMax: 100 }) as const;
  const { account } = await hurt(seed, {
    begin: ({ node }) => {
      for (const thread of [1, 2]) node.fault(thread, { type: 'plan', plan: plan(thread) });
    },
    isDone: (fault) => fault.crashes() >= 50,
  });
  assert.equal([account.missing, account.early, account.twice], [0, 0, 0]);
});

delayed('lost threads lose none, and what comes twice is marked', async () => {
  const { account } = await hurt(runSeed(), {
    begin: ({ node }) => node.fault(1, { type: 'end thread' }),
    // The second one goes when the first is back.
    isDone: ({ node, crashes }) => {
      if (crashes() === 1 && node.threadsLost() === 1) node.fault(2, { type: 'end thread' });
      return crashes() >= 2 && node.threadsLost() >= 2;
    },
  });
  assert.equal([account.missing, account.early, account.unmarked], [0, 0, 0]);
});

delayed.run();
