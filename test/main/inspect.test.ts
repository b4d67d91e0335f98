/** `leveret inspect` tells what is there, of stopped and running nodes, names what is damaged, and changes nothing. */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Broker, createBroker } from '../../src/main/index.ts';
import { RawClient } from '../support/raw-client.ts';
import { startChild } from './support/child.ts';

const LAUNCHER = join(import.meta.dirname, '../../bin/leveret.js');
const MESSAGES = 30;
const LIMIT = 20;
const PASSWORD = 'never-to-be-seen';
/** Where the body of the first message begins: in how many segments the others are depends on when they were committed. */
const FIRST = 'order 0 x';

const folder = mkdtempSync(join(tmpdir(), 'leveret-inspect-'));
const running = join(folder, 'running');
const stopped = join(folder, 'stopped');
/** A copy of the directory of a running node: what is left when its power goes. */
const cut = join(folder, 'cut');
let broker: Broker;
let client: RawClient;

const inspect = suite('leveret inspect');

type Run = { readonly code: unknown; readonly out: string; readonly err: string };

async function run(...args: readonly string[]): Promise<Run> {
  const child = startChild(process.execPath, [LAUNCHER, 'inspect', ...args]);
  const code = await child.ended;
  return { code, out: child.stdout(), err: child.stderr() };
}

inspect.before(async () => {
  const users = [{ name: 'operator', password: PASSWORD, tags: ['administrator'] }];
  broker = await createBroker({ dataDir: running, users });
  client = await RawClient.connect({ ...broker, user: 'operator', password: PASSWORD });
  const channel = await client.openChannel(1);
  await channel.call('exchange.declare', { exchange: 'events', type: 'topic', durable: true });
  for (const queue of ['orders', 'other', 'odd \x1b[31m name']) await channel.call('queue.declare', { queue, durable: true });
  await channel.call('queue.bind', { queue: 'orders', exchange: 'events', routingKey: 'order.#' });
  await channel.call('queue.bind', { queue: 'other', exchange: 'events', routingKey: 'order.shared' });
  await channel.call('confirm.select');
  for (let each = 0; each < MESSAGES; each++) {
    channel.publish({ exchange: 'events', routingKey: 'order.new' }, `order ${each} ${'x'.repeat(200)}`, { deliveryMode: 2, contentType: 'text/plain' });
  }
  channel.publish({ exchange: 'events', routingKey: 'order.shared' }, Buffer.from([0, 1, 2, 255]), { deliveryMode: 2 });
  for (let done = 0; done <= MESSAGES; ) {
    const { deliveryTag, multiple } = await channel.expect('basic.ack');
    done = multiple ? Number(deliveryTag) : done + 1;
  }
  // Whoever opens and closes the lock in the process that holds it lets it go.
  cpSync(running, cut, { recursive: true, filter: (path) => !path.endsWith('/lock') && !statSync(path).isSocket() });
});

inspect.after(async () => {
  await broker.close();
  rmSync(folder, { recursive: true, force: true });
});

inspect('a running node', async () => {
  const { code, out, err } = await run(running);
  assert.is(code, 0, err);
  assert.match(out, /node +running\n/);
  assert.match(out, /orders {2}31 messages, [0-9]+ bytes in [0-9]+ segments\n/);
  assert.match(out, /events -> queue orders {2}by 'order\.#'/);
  const json = JSON.parse((await run(running, '--json')).out) as { state: string; queues: { name: string; messages: number }[] };
  assert.is(json.state, 'running');
  assert.is(json.queues.find(({ name }) => name === 'other')?.messages, 1);
});

inspect('a node that writes all the while: what is not known is not called damage', async () => {
  const channel = await client.openChannel(2);
  await channel.call('queue.declare', { queue: 'busy', durable: true });
  await channel.call('confirm.select');
  let busy = true;
  const traffic = (async () => {
    while (busy) {
      for (let each = 0; each < 5; each++) channel.publish({ routingKey: 'busy' }, 'y'.repeat(1_000), { deliveryMode: 2 });
      for (let each = 0; each < 3; each++) {
        channel.send('basic.get', { queue: 'busy', noAck: true });
        while ((await channel.inbox.take('a message or a confirm')).name === 'basic.ack');
      }
    }
  })();
  for (let each = 0; each < 4; each++) {
    const { code, out, err } = await run(running);
    assert.is(code, 0, out + err);
    assert.match(out, /busy {2}[0-9]+ messages/);
  }
  busy = false;
  await traffic;
  channel.send('queue.delete', { queue: 'busy' });
  while ((await channel.inbox.take('the end of the queue')).name !== 'queue.delete-ok');
});

inspect('a node that ended without a word, and one that ended in order', async () => {
  const torn = (await run(cut)).out;
  assert.match(torn, /node +not stopped in order\n/);
  assert.match(torn, /orders {2}31 messages, .*, 31 redelivered\n/);
  assert.match(torn, /journal +[1-9][0-9]* records of [0-9]+ bytes that are not in the database yet\n/);
  await client.close();
  await broker.close();
  cpSync(running, stopped, { recursive: true });
  const { code, out } = await run(stopped);
  assert.is(code, 0, out);
  assert.match(out, /node +stopped in order\n/);
  assert.match(out, /format 1, sound\n/);
  assert.match(out, /queues +3\n/);
  assert.not.match(out, /journal/);
  assert.match(out, /orders {2}31 messages, .*, 0 redelivered\n/);
  assert.match(out, /shared bodies +1 segments\n/);
});

inspect('nothing is changed, and nothing secret is told', async () => {
  const before = stateOf(stopped);
  const texts = await Promise.all([run(stopped), run(stopped, '--json'), run(stopped, '--queue', 'orders')]);
  assert.equal(stateOf(stopped), before);
  for (const { out, err } of texts) {
    assert.not.match(out + err, /[Hh]ash|\u001b/);
    assert.not.match(out + err, PASSWORD);
  }
  assert.match(texts[0]!.out, 'operator  administrator');
  assert.match(texts[0]!.out, 'odd \\x1b[31m name');
});

inspect('the messages of a queue, no more than asked for', async () => {
  const { code, out } = await run(stopped, '--queue', 'orders');
  assert.is(code, 0);
  const lines = out.trimEnd().split('\n');
  assert.is(lines.length, LIMIT);
  assert.match(lines[0]!, /^0 {2}208 bytes {2}'events' by 'order\.new' {2}\{"contentType":"text\/plain","deliveryMode":2\} {2}"order 0 x+"$/);
  const json = JSON.parse((await run(stopped, '--queue', 'other', '--json', '--limit', '5')).out) as { listed: unknown[] };
  assert.equal(json.listed, [
    { position: 0, redelivered: false, deliveries: 0, exchange: 'events', routingKey: 'order.shared', properties: { deliveryMode: 2 }, bodyBytes: 4, body: { hex: '000102ff' } },
  ]);
  assert.is((await run(stopped, '--queue', 'orders', '--limit=31')).out.trimEnd().split('\n').length, 31);
});

inspect('what is damaged is named, and the rest is told all the same', async () => {
  const damaged = join(folder, 'damaged');
  cpSync(stopped, damaged, { recursive: true });
  const file = join(damaged, 'store.mdb');
  const bytes = readFileSync(file);
  for (let at = bytes.indexOf(FIRST); at !== -1; at = bytes.indexOf(FIRST, at + 1)) bytes[at] = 0x4f;
  writeFileSync(file, bytes);
  const { code, out } = await run(damaged);
  assert.is(code, 1);
  assert.match(out, /1 damaged queue\n/);
  assert.match(out, /DAMAGED: Queue 1: the messages at positions 0 to [0-9]+ are damaged, their contents do not match their checksum\./);
  assert.match(out, /other {2}1 messages/);
  const listing = await run(damaged, '--queue', 'orders');
  assert.is(listing.code, 1);
  assert.match(listing.out, /^0 {2}DAMAGED/);
});

inspect('a journal that is torn at its end is told, and one that is damaged', async () => {
  const journal = join(cut, 'store.journal');
  const sound = readFileSync(journal);
  const before = stateOf(cut);
  const { records } = (JSON.parse((await run(cut, '--json')).out) as { journal: { records: number } }).journal;
  assert.equal(stateOf(cut), before, 'nothing is changed');
  assert.ok(records > 1);
  const blank = sound.subarray(-4096);
  const used = Array.from({ length: sound.length / 4096 }, (_, block) => block).filter((block) => !sound.subarray(block * 4096, (block + 1) * 4096).equals(blank));
  const spoil = (block: number): void => {
    const bytes = Buffer.from(sound);
    bytes[block * 4096 + 100]! ^= 1;
    writeFileSync(journal, bytes);
  };
  spoil(used.at(-1)!);
  assert.match((await run(cut)).out, new RegExp(`journal +${records - 1} records of .*, and one that is not whole\\n`));
  spoil(used[0]!);
  const damaged = await run(cut);
  assert.is(damaged.code, 1);
  assert.match(damaged.err, /the journal of the store is damaged: record 1 is not whole, and record \d+ behind it is there\. Put back a copy/);
  rmSync(journal);
  assert.match((await run(cut)).err, /the journal of the store is damaged: it is missing/);
  writeFileSync(journal, sound);
});

inspect('what cannot be told is said in one sentence', async () => {
  const foreign = join(folder, 'foreign');
  mkdirSync(foreign);
  const torn = join(folder, 'torn');
  cpSync(stopped, torn, { recursive: true });
  writeFileSync(join(torn, 'store.mdb'), readFileSync(join(torn, 'store.mdb')).subarray(0, 20_000));
  const refused: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[join(folder, 'none')], 1, /there is no directory/],
    [[LAUNCHER], 1, /is a file/],
    [[foreign], 1, /is no data directory of Leveret/],
    [[torn], 1, /store\.mdb is damaged: .*put back a copy of the data directory/],
    [[stopped, '--queue', 'nobody'], 1, /no durable queue 'nobody' in vhost '\/'/],
    [[], 2, /say which data directory/],
    [[stopped, '--limit', '0'], 2, /--limit is a number from 1/],
    [[stopped, '--colour'], 2, /unknown option --colour/],
  ];
  for (const [args, expected, sentence] of refused) {
    const { code, out, err } = await run(...args);
    assert.is(code, expected, err);
    assert.is(out, '');
    assert.match(err, /^leveret: [^\n]+\n$/);
    assert.match(err, sentence);
  }
});

inspect('a directory that no node has stored anything in', async () => {
  const fresh = join(folder, 'fresh');
  mkdirSync(fresh);
  writeFileSync(join(fresh, 'schema'), '1\n');
  const { code, out } = await run(fresh);
  assert.is(code, 0);
  assert.match(out, /store +empty\n/);
});

function stateOf(directory: string): string[] {
  const files = readdirSync(directory).sort();
  return files.map((file) => {
    const path = join(directory, file);
    return `${file} ${statSync(path).mtimeMs} ${createHash('sha1').update(readFileSync(path)).digest('hex')}`;
  });
}

inspect.run();
