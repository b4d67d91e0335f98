/**
 * The same hostile clients over real sockets, against a broker in a process of its own: a neighbour that publishes and consumes
 * meanwhile notices nothing, and the broker's memory and file descriptors are afterwards what they were before.
 */
import { type Socket, connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AmqplibPeer } from '../support/amqplib-peer.ts';
import { DEADLINE_MS, withinDeadline } from '../support/deadline.ts';
import { BrokerChild } from '../support/hostile/broker-child.ts';
import { MUTATIONS } from '../support/hostile/mutations.ts';
import { Random } from '../support/hostile/random.ts';
import { GOODBYE, SESSIONS, handshake } from '../support/hostile/recorded-sessions.ts';
import { RawClient } from '../support/raw-client.ts';
import { StallMeter } from '../support/stall-meter.ts';

const COUNT = Number(process.env['HOSTILE_COUNT'] ?? 1_000);
const SEED = Number(process.env['HOSTILE_SEED'] ?? 20_260_801);
/** Hostile connections at once. */
const LANES = 20;
/** A spoilt session that gets no answer and no end is left alone after this, milliseconds. */
const PATIENCE_MS = 200;
/** How long one message or connection in a hundred may take beside the hostile ones, which share processor and test with it, milliseconds. */
const SERVED_MS = 500;
const SLOW_SOCKETS = 200;
/** Who has not finished its handshake is sent away then, milliseconds; with room for timers that come late. */
const HANDSHAKE_MS = 10_000;
const HANDSHAKE_ROOM_MS = 2_000;
const MIB = 1024 * 1024;

const test = suite<{ broker: BrokerChild }>('hostile clients over sockets');

test.before(async (scene) => {
  scene.broker = await BrokerChild.start();
});

test.after(async ({ broker }) => {
  await broker.close();
});

/** Plays one spoilt session in pieces, and leaves: in order, or with a reset. */
async function play(broker: BrokerChild, seed: number): Promise<void> {
  const random = new Random(seed);
  const kind = random.pick(Object.keys(SESSIONS));
  const bytes = Buffer.concat(random.pick(MUTATIONS).spoil([...handshake(), ...SESSIONS[kind]!, GOODBYE], random));
  const socket = connect({ host: broker.host, port: broker.port });
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on('error', () => resolve());
  socket.on('close', () => resolve());
  socket.on('end', () => resolve());
  const timer = setTimeout(resolve, PATIENCE_MS);
  socket.on('data', () => timer.refresh());
  const cut = random.below(bytes.length + 1);
  socket.write(bytes.subarray(0, cut));
  setImmediate(() => socket.write(bytes.subarray(cut)));
  await promise;
  clearTimeout(timer);
  // Node never lets go of a socket that is reset after its stream has ended.
  if (random.chance(50) && socket.readyState === 'open') socket.resetAndDestroy();
  else socket.destroy();
}

async function playAll(broker: BrokerChild, first: number, count: number): Promise<void> {
  let next = first;
  const lane = async (): Promise<void> => {
    while (next < first + count) await play(broker, next++);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** Publishes one message after another and waits for each to come back; answers how long each took, without the pauses of this process. */
async function neighbour(broker: BrokerChild, ended: () => boolean, stalls: StallMeter): Promise<number[]> {
  const peer = await AmqplibPeer.connect(broker);
  const channel = await peer.confirmChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  let came = (_content: string): void => {};
  await channel.consume(queue, (message) => came(message?.content.toString() ?? ''), { noAck: true });
  const delaysMs: number[] = [];
  for (let count = 0; !ended(); count++) {
    const tookMs = stalls.start();
    const back = new Promise<void>((resolve) => (came = (content) => content === `n${count}` && resolve()));
    channel.sendToQueue(queue, Buffer.from(`n${count}`));
    await withinDeadline(Promise.all([back, channel.waitForConfirms()]), `message ${count} of the neighbour`);
    delaysMs.push(tookMs());
    if (count % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.is(peer.errors.length, 0);
  await peer.close();
  return delaysMs;
}

function percentile(values: readonly number[], part: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * part)]!;
}

/** Waits until the broker has as few descriptors as it had: closing takes the other side a moment. */
async function untilClosed(broker: BrokerChild, descriptors: number): Promise<void> {
  const givenUpAt = performance.now() + DEADLINE_MS;
  while (broker.descriptors > descriptors) {
    if (performance.now() > givenUpAt) assert.is(broker.descriptors, descriptors, 'open file descriptors');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function keepSomething(broker: BrokerChild): Promise<void> {
  const peer = await AmqplibPeer.connect(broker);
  const channel = await peer.channel();
  await channel.assertQueue('kept', { durable: true });
  await channel.deleteQueue('kept');
  await peer.close();
}

async function deleteQueues(broker: BrokerChild): Promise<void> {
  const peer = await AmqplibPeer.connect(broker);
  const channel = await peer.channel();
  for (const queue of ['q1', 'q2', 'q3', 'q4', 'sac']) await channel.deleteQueue(queue);
  await peer.close();
}

test(`${COUNT} spoilt sessions while a neighbour works`, async ({ broker }) => {
  process.stdout.write(`sessions from seed ${SEED}\n`);
  // The store's journal is opened with the first thing that it keeps.
  await keepSomething(broker);
  const descriptors = broker.descriptors;
  // What a process takes once, it has taken after these.
  await playAll(broker, SEED, COUNT / 2);
  await untilClosed(broker, descriptors);
  await deleteQueues(broker);
  const before = broker.residentBytes;
  let ended = false;
  const stalls = new StallMeter();
  const working = neighbour(broker, () => ended, stalls);
  // It may fail before it is waited for.
  working.catch(() => undefined);
  await playAll(broker, SEED + COUNT / 2, COUNT / 2);
  ended = true;
  const delaysMs = await working;
  stalls.end();
  await deleteQueues(broker);
  await untilClosed(broker, descriptors);
  const grownBytes = broker.residentBytes - before;
  const p99 = percentile(delaysMs, 0.99);
  process.stdout.write(`${delaysMs.length} messages, p99 ${p99.toFixed(1)} ms, memory ${(grownBytes / MIB).toFixed(1)} MiB more\n`);
  assert.ok(broker.alive);
  assert.equal(broker.logged(50), [], 'errors in the log');
  assert.ok(delaysMs.length > 100, `${delaysMs.length} messages of the neighbour`);
  assert.ok(p99 < SERVED_MS, `${p99} ms`);
  assert.ok(grownBytes < 64 * MIB, `${grownBytes} bytes more`);
});

test(`slowloris: ${SLOW_SOCKETS} sockets of a byte a second are gone in time, and honest ones are served`, async ({ broker }) => {
  const descriptors = broker.descriptors;
  const bytes = Buffer.concat(handshake());
  const livedMs: number[] = [];
  const livedAwakeMs: number[] = [];
  const stalls = new StallMeter();
  const open = async (): Promise<Socket> => {
    // The broker's clock starts after this, and stands still when this one does.
    const startedAt = performance.now();
    const awakeMs = stalls.start();
    const socket = connect({ host: broker.host, port: broker.port });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    socket.on('error', () => {});
    socket.on('data', () => {});
    socket.on('close', () => {
      livedMs.push(performance.now() - startedAt);
      livedAwakeMs.push(awakeMs());
    });
    return socket;
  };
  const sockets = await Promise.all(Array.from({ length: SLOW_SOCKETS }, open));
  let sent = 0;
  const drip = setInterval(() => {
    sent += 1;
    for (const socket of sockets) if (socket.writable) socket.write(bytes.subarray(sent - 1, sent));
  }, 1_000);
  const honestMs: number[] = [];
  const beganAt = performance.now();
  while (livedMs.length < SLOW_SOCKETS) {
    const tookMs = stalls.start();
    const client = await RawClient.connect(broker);
    honestMs.push(tookMs());
    await client.close();
    if (performance.now() - beganAt > 2 * DEADLINE_MS) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  clearInterval(drip);
  stalls.end();
  for (const socket of sockets) socket.destroy();
  process.stdout.write(`lived ${percentile(livedMs, 0).toFixed(0)} to ${percentile(livedMs, 1).toFixed(0)} ms, honest p99 ${percentile(honestMs, 0.99).toFixed(1)} ms\n`);
  assert.is(livedMs.length, SLOW_SOCKETS);
  assert.ok(percentile(livedMs, 0) > HANDSHAKE_MS - 1_000, `one lived ${percentile(livedMs, 0)} ms`);
  assert.ok(percentile(livedAwakeMs, 1) < HANDSHAKE_MS + HANDSHAKE_ROOM_MS, `one lived ${percentile(livedAwakeMs, 1)} ms`);
  assert.ok(percentile(honestMs, 0.99) < SERVED_MS, `${percentile(honestMs, 0.99)} ms for an honest connection`);
  await untilClosed(broker, descriptors);
});

test.run();
