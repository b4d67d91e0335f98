/**
 * kill -9 while thousands of persistent messages die: each is in its queue or in that of its dead letter afterwards, whenever the process
 * ends. What is in its queue dies once more, and its letter is marked as redelivered if it may be there already. A build that lets go of a message
 * before it sends the letter loses some, and one that marks nothing has some twice.
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
const MESSAGES = 5_000;
const KILLS = Number(process.env['LEVERET_KILLS'] ?? 4);
/** Messages that are rejected together, but the last ones, which are more: the node is killed while their letters come. */
const PORTION = 100;
const PORTIONS = MESSAGES / PORTION;
const LAST_PORTIONS = 10;
/** The mistake shows itself in one of so many kills. */
const CONTROL_KILLS_MAX = 10;

/** How much later a message leaves its queue in a build that is late, milliseconds: the kill comes long before. */
const LATE_MS = 5_000;

const DYING = 'dying';
const GRAVE = 'grave';
const BESIDE = 'beside';

/** `twice`: letters of which one was there. `unmarked`: of these, those that did not say so. */
type Found = { readonly left: number; readonly letters: number; readonly lost: number; readonly twice: number; readonly unmarked: number };

const killing = suite('kill -9 while messages die');

async function declare(channel: Channel): Promise<void> {
  await channel.assertQueue(GRAVE, { durable: true });
  await channel.assertQueue(BESIDE, { durable: true });
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

/** Takes everything, and rejects so many portions. Some letters of the last ones have come then. */
async function reject(url: string, portions: number, random: SeededRandom): Promise<void> {
  const peer = new AmqplibPeer(await connect(url));
  const channel = await peer.channel();
  const messages: ConsumeMessage[] = [];
  const all = new Promise<void>((resolve) => {
    void channel.consume(DYING, (message) => {
      if (messages.push(message!) === MESSAGES) resolve();
    });
  });
  await withinDeadline(all, 'the deliveries');
  const nack = (portion: number): void => channel.nack(messages[portion * PORTION - 1]!, true, false);
  for (let portion = 1; portion <= portions - LAST_PORTIONS; portion++) {
    nack(portion);
    // A round trip: the portion was read.
    await channel.checkQueue(GRAVE);
  }
  const { messageCount } = await channel.checkQueue(GRAVE);
  nack(portions);
  await withinDeadline(until(async () => (await channel.checkQueue(GRAVE)).messageCount > messageCount), 'letters');
  // They are stored, then settled where they died, and each in a group of its own. Mostly the process ends between the two.
  if (random.oneIn(4)) return;
  const confirming = await peer.confirmChannel();
  confirming.sendToQueue(BESIDE, Buffer.alloc(0), { persistent: true });
  await withinDeadline(confirming.waitForConfirms(), 'the confirm');
}

async function until(isOver: () => Promise<boolean>): Promise<void> {
  while (!(await isOver()));
}

/** What is in both queues. Nothing dies by itself any more, and then what is left does. */
async function look(url: string): Promise<Found> {
  const peer = new AmqplibPeer(await connect(url));
  const channel = await peer.channel();
  await declare(channel);
  const { messageCount: letters } = await channel.checkQueue(GRAVE);
  const { messageCount: left } = await channel.checkQueue(DYING);
  await take(channel, DYING, left, () => {});
  if (left > 0) channel.nackAll(false);
  const seen = new Set<string>();
  let twice = 0;
  let unmarked = 0;
  await take(channel, GRAVE, letters + left, ({ content, fields }) => {
    const text = content.toString();
    if (seen.has(text)) {
      twice++;
      if (!fields.redelivered) unmarked++;
    }
    seen.add(text);
  });
  await peer.close();
  return { letters, left, lost: MESSAGES - seen.size, twice, unmarked };
}

/** So many messages of a queue, in their order. */
async function take(channel: Channel, queue: string, count: number, taken: (message: ConsumeMessage) => void): Promise<void> {
  if (count === 0) return;
  const all = new Promise<void>((resolve) => {
    let received = 0;
    void channel.consume(queue, (message) => {
      taken(message!);
      if (++received === count) resolve();
    });
  });
  await withinDeadline(all, `the ${count} messages of ${queue}`);
}

/** One node, killed and started again. */
async function kill(root: string, random: SeededRandom): Promise<Found & { readonly rejected: number }> {
  const portions = PORTIONS / 4 + random.below((PORTIONS * 3) / 4);
  const { LeveretBroker } = (await import(pathToFileURL(join(root, 'tools/chaos/leveret-broker.ts')).href)) as typeof Brokers;
  const dataDir = mkdtempSync(join(tmpdir(), 'leveret-dying-'));
  const broker = await LeveretBroker.create(2, dataDir);
  try {
    await broker.start();
    await fill(broker.url!);
    await reject(broker.url!, portions, random);
    broker.signal('SIGKILL');
    await broker.ended();
    await broker.start();
    const found = await look(broker.url!);
    assert.equal(broker.problems, []);
    return { ...found, rejected: portions * PORTION };
  } finally {
    await broker.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

killing(`${KILLS} kills: each message is in its queue or in that of its letter, and a letter that is there twice says so`, async () => {
  const random = new SeededRandom(runSeed());
  let caught = 0;
  for (let each = 0; each < KILLS; each++) {
    const { left, letters, lost, twice, unmarked, rejected } = await kill(ROOT, random);
    process.stdout.write(`${rejected} rejected: ${left} left, ${letters} letters, ${lost} lost, ${twice} twice\n`);
    assert.is(unmarked, 0, `${unmarked} of ${twice} letters that were there before are not marked`);
    assert.is(lost, 0, `${lost} messages are nowhere: ${left} left, ${letters} letters, ${rejected} rejected`);
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
      const found = await kill(copy.root, random);
      process.stdout.write(`${found.left} left, ${found.letters} letters, ${found.lost} lost\n`);
      lost = found.lost;
    }
    assert.ok(lost > 0, `${CONTROL_KILLS_MAX} kills lost nothing`);
  } finally {
    copy.remove();
  }
});

/** Messages leave their queue long after their letters are where they go, so that a kill in between needs no luck. */
const LATE: SourceChange = {
  file: 'actors/queue/dead-letters.ts',
  right: '  confirmed({ ints, count }: Letter): void {\n',
  wrong: `  confirmed(letter: Letter): void {
    const { ints, count } = letter;
    if (!('late' in letter)) {
      const late = Object.assign(new Letter(QueueLetter.confirmed), { ints: ints.slice(), count, late: true });
      setTimeout(() => this.#context.tell(this.#context.self, late), ${LATE_MS});
      return;
    }
`,
};

const UNMARKED: SourceChange = {
  file: 'actors/queue/dead-letters.ts',
  right: 'this.#machine.dying!.isRepeated(position) ? PublishMark.redelivered : 0;',
  wrong: '0;',
};

async function killLate(...mistakes: readonly SourceChange[]): Promise<Found> {
  const copy = brokenCopy(LATE, ...mistakes);
  try {
    const found = await kill(copy.root, new SeededRandom(runSeed()));
    process.stdout.write(`${found.twice} twice, ${found.unmarked} of them unmarked, ${found.lost} lost\n`);
    return found;
  } finally {
    copy.remove();
  }
}

killing('letters that were there before say so, however many they are', async () => {
  const { twice, unmarked, lost } = await killLate();
  assert.ok(twice > 0, 'none was there twice');
  assert.is(unmarked, 0);
  assert.is(lost, 0);
});

killing('is caught: a letter that was there before is not marked', async () => {
  const { twice, unmarked } = await killLate(UNMARKED);
  assert.ok(twice > 0, 'none was there twice');
  assert.ok(unmarked > 0, `${twice} were there twice, and all say so`);
});

killing.run();
