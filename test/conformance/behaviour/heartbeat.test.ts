/** Heartbeats both ways with the shortest interval, 1 s (RabbitMQ's guide "Detecting Dead TCP Connections"). */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import { FRAME } from '../../support/raw-channel.ts';
import { TOO_LATE, timely } from '../../support/timely.ts';

const { test, run } = conversation('heartbeat');

/** The longest a broker may take to miss two heartbeats of 1 s. */
const SILENCE_MS = 8_000;
const PULSE_MS = 300;
/** A machine on which this thread wakes up so late has made the client silent, or the broker. */
const STALL_MS = 500;

/** Wakes up again and again, to say something or nothing, and knows whether it was late. */
class Pulse {
  readonly #timer: NodeJS.Timeout;
  #lastMs = performance.now();
  #isLate = false;

  constructor(say: () => void = () => undefined) {
    this.#timer = setInterval(() => {
      this.#look();
      say();
    }, PULSE_MS);
  }

  get isLate(): boolean {
    this.#look();
    return this.#isLate;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const nowMs = performance.now();
    if (nowMs - this.#lastMs > PULSE_MS + STALL_MS) this.#isLate = true;
    this.#lastMs = nowMs;
  }
}

/** An attempt that fails counts only when the pulse went on all the time. */
async function attempted(pulse: Pulse, attempt: () => Promise<void>): Promise<void | typeof TOO_LATE> {
  try {
    await attempt();
  } catch (error) {
    if (!pulse.isLate) throw error;
    return TOO_LATE;
  } finally {
    pulse.end();
  }
}

test('the broker sends them, on a quiet connection, about twice an interval', async (scene) => {
  await timely(async () => {
    const client = await scene.connect({ heartbeat: 1 });
    const pulse = new Pulse(() => client.sendFrame(FRAME.heartbeat, 0, Buffer.alloc(0)));
    return attempted(pulse, async () => {
      const [first = 0, , , last = 0] = await client.heartbeats.takeMany(4, 'heartbeats');
      assert.ok(last - first < 4_000, `three intervals took ${last - first} ms`);
    });
  });
});

test('a client that stays silent is cut off, one that agreed on 0 is not', async (scene) => {
  const silent = await scene.connect({ heartbeat: 0 });
  await timely(async () => {
    const startedAt = performance.now();
    const client = await scene.connect({ heartbeat: 1 });
    return attempted(new Pulse(), async () => {
      await client.ended();
      const tookMs = performance.now() - startedAt;
      assert.ok(tookMs > 1_000, `cut off after ${tookMs} ms, before two heartbeats were missed`);
      assert.ok(tookMs < SILENCE_MS, `cut off after ${tookMs} ms`);
    });
  });
  await silent.openChannel();
  assert.is(silent.heartbeats.length, 0);
});

test('anything a client sends keeps it alive', async (scene) => {
  await timely(async () => {
    const client = await scene.connect({ heartbeat: 1 });
    const channel = client.channelAt(1);
    const pulse = new Pulse(() => channel.send('basic.qos', { prefetchCount: 1 }));
    return attempted(pulse, async () => {
      await channel.call('channel.open');
      const until = performance.now() + 3_500;
      while (performance.now() < until) await channel.expect('basic.qos-ok');
      pulse.end();
      await client.connection.call('connection.close', { replyCode: 200, replyText: 'done' });
    });
  });
});

run();
