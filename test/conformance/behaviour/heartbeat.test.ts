/** Heartbeats both ways with the shortest interval, 1 s (RabbitMQ's guide "Detecting Dead TCP Connections"). */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import { FRAME } from '../../support/raw-channel.ts';

const { test, run } = conversation('heartbeat');

/** The longest a broker may take to miss two heartbeats of 1 s, with room for a busy machine. */
const SILENCE_MS = 8_000;

test('the broker sends them, on a quiet connection, about twice an interval', async (scene) => {
  const client = await scene.connect({ heartbeat: 1 });
  const alive = setInterval(() => client.sendFrame(FRAME.heartbeat, 0, Buffer.alloc(0)), 400);
  try {
    const [first = 0, , , last = 0] = await client.heartbeats.takeMany(4, 'heartbeats');
    assert.ok(last - first < 4_000, `three intervals took ${last - first} ms`);
  } finally {
    clearInterval(alive);
  }
});

test('a client that stays silent is cut off, one that agreed on 0 is not', async (scene) => {
  const silent = await scene.connect({ heartbeat: 0 });
  const client = await scene.connect({ heartbeat: 1 });
  const startedAt = performance.now();
  await client.ended(SILENCE_MS);
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs > 1_000, `cut off after ${tookMs} ms, before two heartbeats were missed`);
  await silent.openChannel();
  assert.is(silent.heartbeats.length, 0);
});

test('anything a client sends keeps it alive', async (scene) => {
  const client = await scene.connect({ heartbeat: 1 });
  const channel = await client.openChannel();
  const until = performance.now() + 3_500;
  let ended = false;
  void client.ended(SILENCE_MS).then(() => (ended = true), () => undefined);
  while (performance.now() < until) {
    await channel.call('basic.qos', { prefetchCount: 1 });
    await client.heartbeats.take('a heartbeat of the broker');
  }
  assert.not(ended);
  await client.close();
});

run();
