/** Heartbeats both ways with the shortest interval, 1 s (RabbitMQ's guide "Detecting Dead TCP Connections"). */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import { FRAME } from '../../support/raw-channel.ts';
import { undisturbed } from '../../support/timely.ts';

const { test, run } = conversation('heartbeat');

/** The longest a broker may take to miss two heartbeats of 1 s. */
const SILENCE_MS = 8_000;
/** How often a client that lives says something. */
const PULSE_MS = 300;

/** Says something again and again as long as `body` lasts. */
async function saying(say: () => void, body: () => Promise<void>): Promise<void> {
  const pulse = setInterval(say, PULSE_MS);
  try {
    await body();
  } finally {
    clearInterval(pulse);
  }
}

// A machine that stands still makes the client silent, or the broker: then it is tried again.

test('the broker sends them, on a quiet connection, about twice an interval', (scene) =>
  undisturbed(async () => {
    const client = await scene.connect({ heartbeat: 1 });
    await saying(() => client.sendFrame(FRAME.heartbeat, 0, Buffer.alloc(0)), async () => {
      const [first = 0, , , last = 0] = await client.heartbeats.takeMany(4, 'heartbeats');
      assert.ok(last - first < 4_000, `three intervals took ${last - first} ms`);
    });
  }));

test('a client that stays silent is cut off, one that agreed on 0 is not', async (scene) => {
  const silent = await scene.connect({ heartbeat: 0 });
  await undisturbed(async () => {
    const startedAt = performance.now();
    const client = await scene.connect({ heartbeat: 1 });
    await client.ended();
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs > 1_000, `cut off after ${tookMs} ms, before two heartbeats were missed`);
    assert.ok(tookMs < SILENCE_MS, `cut off after ${tookMs} ms`);
  });
  await silent.openChannel();
  assert.is(silent.heartbeats.length, 0);
});

test('anything a client sends keeps it alive', (scene) =>
  undisturbed(async () => {
    const client = await scene.connect({ heartbeat: 1 });
    const channel = await client.openChannel();
    await saying(() => channel.send('basic.qos', { prefetchCount: 1 }), async () => {
      for (const until = performance.now() + 3_500; performance.now() < until; ) await channel.expect('basic.qos-ok');
    });
    // The connection is there, and answers.
    await client.connection.call('connection.close', { replyCode: 200, replyText: 'done' });
  }));

run();
