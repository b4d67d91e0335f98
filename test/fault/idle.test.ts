/** What a broker costs that has nothing to do: no processor time, little memory for each connection, and nothing left behind. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startBrokerProcess } from '../support/broker-process.ts';
import { DEADLINE_MS } from '../support/deadline.ts';
import { RawClient } from '../support/raw-client.ts';

const WATCHED_MS = 3_000;
/** Of the watched time; the runtime's own housekeeping needs a little now and then. */
const CPU_MAX_MS = 30;
/** So often the time is watched, until it is within that once: what costs time all the while does so every time. */
const WATCHES_MAX = 5;
const CONNECTIONS = 5_000;
const CONNECTION_MAX_BYTES = 40 * 1024;
/** Files of a broker that has had many connections, against one that has had a few. */
const FILES_SLACK = 4;

const idle = suite('an idle broker');

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function connectMany(count: number, connect: () => Promise<RawClient>): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  while (clients.length < count) clients.push(...(await Promise.all(Array.from({ length: Math.min(50, count - clients.length) }, connect))));
  return clients;
}

/** Waits until the process has settled after its start: several looks in a row at which it did nothing. */
async function settled(cpuMs: () => number): Promise<void> {
  for (let quiet = 0, before = cpuMs(), looks = 0; quiet < 5 && looks < 100; looks++) {
    await later(100);
    const now = cpuMs();
    quiet = now === before ? quiet + 1 : 0;
    before = now;
  }
}

/** Processor time of the best of some watches, milliseconds. */
async function watched(cpuMs: () => number): Promise<number> {
  let least = Infinity;
  for (let watch = 0; watch < WATCHES_MAX && least > CPU_MAX_MS; watch++) {
    await settled(cpuMs);
    const before = cpuMs();
    await later(WATCHED_MS);
    least = Math.min(least, cpuMs() - before);
  }
  return least;
}

idle('uses no processor time, without connections and with idle ones', async () => {
  const running = await startBrokerProcess(['--schedulers', '2']);
  try {
    const aloneMs = await watched(running.cpuMs);
    const clients = await connectMany(50, async () => {
      const client = await RawClient.connect(running.broker);
      const channel = await client.openChannel();
      await channel.queue('');
      return client;
    });
    const accompaniedMs = await watched(running.cpuMs);
    process.stdout.write(`processor time in ${WATCHED_MS} ms: ${aloneMs} ms alone, ${accompaniedMs} ms with 50 connections\n`);
    assert.ok(aloneMs <= CPU_MAX_MS, `${aloneMs} ms alone`);
    assert.ok(accompaniedMs <= CPU_MAX_MS, `${accompaniedMs} ms with connections`);
    for (const client of clients) client.drop();
  } finally {
    await running.stop();
  }
});

idle(`${CONNECTIONS} connections with a channel each cost at most ${CONNECTION_MAX_BYTES / 1024} KiB each, and leave no file open`, async () => {
  const running = await startBrokerProcess(['--schedulers', '1']);
  try {
    const open = async (): Promise<RawClient> => {
      const client = await RawClient.connect(running.broker);
      await client.openChannel();
      return client;
    };
    for (const client of await connectMany(200, open)) await client.close();
    await settled(running.cpuMs);
    const before = { bytes: running.residentBytes(), files: running.openFiles() };
    const clients = await connectMany(CONNECTIONS, open);
    await settled(running.cpuMs);
    const each = (running.residentBytes() - before.bytes) / CONNECTIONS;
    process.stdout.write(`${(each / 1024).toFixed(1)} KiB for each of ${CONNECTIONS} connections\n`);
    assert.ok(running.openFiles() >= before.files + CONNECTIONS);
    assert.ok(each <= CONNECTION_MAX_BYTES, `${each} bytes for each connection`);
    for (const client of clients) client.drop();
    const givenUpAt = performance.now() + DEADLINE_MS;
    while (running.openFiles() > before.files + FILES_SLACK && performance.now() < givenUpAt) await later(20);
    assert.ok(running.openFiles() <= before.files + FILES_SLACK, `${running.openFiles()} files, ${before.files} before`);
  } finally {
    await running.stop();
  }
});

idle.run();
