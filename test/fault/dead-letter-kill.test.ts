/**
 * kill -9 while thousands of persistent messages die: each is in its queue or in that of its dead letter afterwards, whenever the process
 * ends. A build that lets go of a message before it sends the letter loses some.
 *
 * LEVERET_KILLS=30 kills that often.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Channel, type ConsumeMessage, connect } from 'amqplib';
import { AmqplibPeer } from '../support/amqplib-peer.ts';
import { withinDeadline } from '../support/deadline.ts';
import { brokenCopy } from '../support/fault-node.ts';
import type { SourceChange } from '../support/source-change.ts';
import { SeededRandom, runSeed } from '../support/seeded-random.ts';
import type * as Brokers from '../../tools/chaos/leveret-broker.ts';

const ROOT = join(import.meta.dirname, '../..');
const MESSAGES = 20_000;
const KILLS = Number(process.env['LEVERET_KILLS'] ?? 4);
/** Messages that are rejected together. The node is killed right behind one of the portions. */
const PORTION = 100;
const PORTIONS = MESSAGES / PORTION;
/** The mistake shows itself in one of so many kills. */
const CONTROL_KILLS_MAX = 5;

const DYING = 'dying';
const GRAVE = 'grave';

type Found = { readonly left: number; readonly letters: number; readonly lost: number };

const killing = suite('kill -9 while messages die');

async function declare(channel: Channel): Promise<void> {
  await channel.assertQueue(GRAVE, { durable: true });
  await channel.assertQueue(DYING, { durable: true, deadLetterExchange: '', deadLetterRoutingKey: GRAVE });
}

async function fill(url: string): Promise<void> {
  const peer = new AmqplibPeer(await connect(url));
  const channel = await peer.confirmChannel();
  await declare(channel);
  for (let index = 0; index < MESSAGES; index++) channel.sendToQueue(DYING, Buffer.from(`${index}`), { persistent: true });
  await withinDeadline(channel.waitForConfirms(), 'the confirms');
  await peer.close();
}

/** Takes everything, and rejects so many portions. */
async function reject(url: string, portions: number): Promise<void> {
  const peer = new AmqplibPeer(await connect(url));
  const channel = await peer.channel();
  const messages: ConsumeMessage[] = [];
  const all = new Promise<void>((resolve) => {
    void channel.consume(DYING, (message) => {
      if (messages.push(message!) === MESSAGES) resolve();
    });
  });
  await withinDeadline(all, 'the deliveries');
  for (let portion = 1; portion <= portions; portion++) {
    channel.nack(messages[portion * PORTION - 1]!, true, false);
    // A round trip: the portion was read.
    await channel.checkQueue(GRAVE);
  }
}

/** What is in both queues; nothing dies any more. */
async function look(url: string): Promise<Found> {
  const peer = new AmqplibPeer(await connect(url));
  const channel = await peer.channel();
  await declare(channel);
  const seen = new Set<string>();
  const counts: number[] = [];
  for (const queue of [GRAVE, DYING]) {
    const { messageCount } = await channel.checkQueue(queue);
    counts.push(messageCount);
    if (messageCount === 0) continue;
    await withinDeadline(
      new Promise<void>((resolve) => {
        let received = 0;
        void channel.consume(queue, (message) => {
          seen.add(message!.content.toString());
          if (++received === messageCount) resolve();
        });
      }),
      `the ${messageCount} messages of ${queue}`,
    );
  }
  await peer.close();
  return { letters: counts[0]!, left: counts[1]!, lost: MESSAGES - seen.size };
}

/** One node, killed and started again. */
async function kill(root: string, portions: number): Promise<Found> {
  const { LeveretBroker } = (await import(pathToFileURL(join(root, 'tools/chaos/leveret-broker.ts')).href)) as typeof Brokers;
  const dataDir = mkdtempSync(join(tmpdir(), 'leveret-dying-'));
  const broker = await LeveretBroker.create(2, dataDir);
  try {
    await broker.start();
    await fill(broker.url!);
    await reject(broker.url!, portions);
    broker.signal('SIGKILL');
    await broker.ended();
    await broker.start();
    const found = await look(broker.url!);
    assert.equal(broker.problems, []);
    return found;
  } finally {
    await broker.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

killing(`${KILLS} kills: each message is in its queue or in that of its letter`, async () => {
  const random = new SeededRandom(runSeed());
  let caught = 0;
  for (let each = 0; each < KILLS; each++) {
    const portions = PORTIONS / 4 + random.below((PORTIONS * 3) / 4);
    const { left, letters, lost } = await kill(ROOT, portions);
    process.stdout.write(`${portions * PORTION} rejected: ${left} left, ${letters} letters, ${lost} lost\n`);
    assert.is(lost, 0, `${lost} messages are nowhere: ${left} left, ${letters} letters, ${portions * PORTION} rejected`);
    if (left > 0 && letters > 0) caught++;
  }
  if (KILLS >= 4) assert.ok(caught > 0, 'no kill came while messages died');
});

const TOO_EARLY: SourceChange = {
  file: 'actors/queue/dead-letters.ts',
  right: ' => sendPublishes(this.#context, link);\n',
  wrong: ` => {
    for (const position of this.#copies.forget()) this.#machine.dying!.bury(position);
    sendPublishes({ tell: (to, letter) => void setTimeout(() => this.#context.tell(to, letter), 100) }, link);
  };
`,
};

killing('is caught: a message leaves its queue before its letter has left', async () => {
  const random = new SeededRandom(runSeed());
  const copy = brokenCopy(TOO_EARLY);
  try {
    let lost = 0;
    for (let each = 0; lost === 0 && each < CONTROL_KILLS_MAX; each++) {
      const found = await kill(copy.root, PORTIONS / 4 + random.below((PORTIONS * 3) / 4));
      process.stdout.write(`${found.left} left, ${found.letters} letters, ${found.lost} lost\n`);
      lost = found.lost;
    }
    assert.ok(lost > 0, `${CONTROL_KILLS_MAX} kills lost nothing`);
  } finally {
    copy.remove();
  }
});

killing.run();
