/**
 * `leveret chaos` itself, end to end: crashes of actors and lost threads cost nothing, and a broker that is broken in one way is
 * caught by the counter that is meant for it. The broken ones are a sound broker behind a proxy that meddles with deliveries.
 *
 * With LEVERET_CHAOS_RABBITMQ set, Debian's RabbitMQ is watched and killed too, which takes a minute: what the checker holds against a
 * broker must be the broker's fault.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createBroker } from '../../src/main/index.ts';
import { chaos as hurt } from '../../tools/chaos/chaos.ts';
import { formatReport } from '../../tools/chaos/chaos-report.ts';
import type { ChaosReport } from '../../tools/chaos/chaos-report.ts';
import { runChaos } from '../../tools/chaos/run-chaos.ts';
import { MeddlingProxy } from '../support/chaos/meddling-proxy.ts';
import type { Meddling } from '../support/chaos/meddling-proxy.ts';
import { RabbitmqBroker, rabbitmqIsThere } from '../support/chaos/rabbitmq-broker.ts';
import { runSeed } from '../support/seeded-random.ts';
import { TOO_LATE, timely } from '../support/timely.ts';

const chaos = suite('chaos');

chaos('60 crashes of actors and 3 lost threads lose, double and disorder nothing', async () => {
  const report = await runChaos({ seed: runSeed(), crashes: 60, threads: 3, durationMs: 6_000 });
  process.stdout.write(formatReport(report));
  assert.ok(report.passed, formatReport(report));
  const crashes = Object.values(report.faults.crashes).reduce((sum, count) => sum + count, 0);
  assert.ok(crashes >= 60 - 2 * report.faults.skipped, `${crashes} crashes`);
  assert.ok(report.faults.threadsLost >= 3 - report.faults.skipped);
  assert.ok(report.verdict.acknowledged > 1_000);
});

chaos('a broker inside this process is hurt and judged like any other', async () => {
  await using broker = await createBroker({ chaos: true, schedulers: 2 });
  const report = await hurt(broker, { seed: runSeed(), crashes: 40, threads: 4, durationMs: 4_000 });
  process.stdout.write(formatReport(report));
  assert.ok(report.passed, formatReport(report));
  assert.ok(report.verdict.acknowledged > 1_000 && report.faults.threadsLost >= 4 - report.faults.skipped, formatReport(report));
  const crashes = Object.values(report.faults.crashes).reduce((sum, count) => sum + count, 0);
  assert.ok(crashes >= 40 - 2 * report.faults.skipped, `${crashes} crashes`);
});

chaos('whoever wants a broker hurt must have made it for that', async () => {
  await using broker = await createBroker();
  const refusal = async (what: typeof broker): Promise<string> => hurt(what, { crashes: 1 }).then(() => '', (error: unknown) => String(error));
  assert.match(await refusal(broker), 'createBroker({ chaos: true })');
  assert.match(await refusal({ ...broker }), "that this package's createBroker has made");
  // A run may be over before anything was confirmed.
  const report = await timely(async () => {
    const found = await hurt(broker, { crashes: 0, threads: 0, durationMs: 300 });
    return found.verdict.acknowledged > 0 ? found : TOO_LATE;
  });
  assert.ok(report.passed, formatReport(report));
});

/** Meddles with the deliveries of a connection, counted from 1. */
function atDelivery(number: number, act: (bytes: Buffer, held: Buffer[]) => readonly Buffer[]): () => Meddling {
  return () => {
    let seen = 0;
    const held: Buffer[] = [];
    return ({ isDelivery, bytes }) => {
      if (!isDelivery) return [bytes];
      seen++;
      if (seen === number || held.length > 0) return act(bytes, held);
      return [bytes];
    };
  };
}

/** Deliveries carry their tags in their method, so a swap of whole deliveries would only be a strange numbering: bodies are swapped. */
const SWAP = atDelivery(40, (bytes, held) => {
  held.push(bytes);
  // The next one of the same stream, which is some deliveries away: the body begins with the stream's number.
  const [first] = held;
  if (held.length === 1 || first === undefined || streamOf(bytes) !== streamOf(first)) return [];
  held.pop();
  const between = held.splice(0).slice(1);
  return [withContentOf(first, bytes), ...between, withContentOf(bytes, first)];
});

function methodEnd(delivery: Buffer): number {
  return delivery.readUInt32BE(3) + 8;
}

function streamOf(delivery: Buffer): number {
  const header = methodEnd(delivery);
  return delivery.readUInt32BE(header + delivery.readUInt32BE(header + 3) + 8 + 7);
}

function withContentOf(delivery: Buffer, other: Buffer): Buffer {
  return Buffer.concat([delivery.subarray(0, methodEnd(delivery)), other.subarray(methodEnd(other))]);
}

/** On one connection, so that the proxy has done its wrong. */
const DELIVERIES_MIN = 200;

const CONTROLS: readonly { readonly name: string; readonly counter: 'lost' | 'duplicated' | 'disordered' | 'unexpected'; readonly meddling: () => Meddling }[] = [
  { name: 'drops a confirmed message', counter: 'lost', meddling: atDelivery(40, () => []) },
  { name: 'hands out a message twice', counter: 'duplicated', meddling: atDelivery(40, (bytes) => [bytes, bytes]) },
  { name: 'swaps two messages', counter: 'disordered', meddling: SWAP },
  {
    name: 'changes a byte',
    counter: 'unexpected',
    meddling: atDelivery(40, (bytes) => {
      const changed = Buffer.from(bytes);
      changed[changed.length - 3] = changed[changed.length - 3]! ^ 1;
      return [changed];
    }),
  },
];

/** On a busy machine a run may be over before a connection has had so many deliveries that the proxy has done its wrong: then it is made again. */
function runBehind(meddling: () => Meddling): Promise<ChaosReport> {
  return timely(async () => {
    await using broker = await createBroker();
    let most = 0;
    const counting = (): Meddling => {
      const meddle = meddling();
      let seen = 0;
      return (unit) => {
        if (unit.isDelivery) most = Math.max(most, ++seen);
        return meddle(unit);
      };
    };
    const proxy = await MeddlingProxy.start(broker.port, counting);
    try {
      const report = await runChaos({ seed: runSeed(), url: `amqp://guest:guest@127.0.0.1:${proxy.port}`, durationMs: 1_500 });
      return most < DELIVERIES_MIN ? TOO_LATE : report;
    } finally {
      proxy.close();
    }
  });
}

chaos('a proxy that does nothing is not held against the broker', async () => {
  const report = await runBehind(() => ({ bytes }) => [bytes]);
  assert.ok(report.passed, formatReport(report));
});

for (const { name, counter, meddling } of CONTROLS) {
  chaos(`is caught: a broker that ${name}`, async () => {
    const report = await runBehind(meddling);
    assert.is(report.passed, false);
    assert.ok(report.verdict[counter] > 0, formatReport(report));
  });
}

chaos('a broker that is not there is told in one sentence', async () => {
  const asked = runChaos({ seed: 1, url: 'amqp://127.0.0.1:1', durationMs: 100 });
  const refusal = await asked.then(() => '', (error: unknown) => (error instanceof Error ? error.message : ''));
  assert.match(refusal, /^127\.0\.0\.1:1 does not let us in: .*ECONNREFUSED/);
});

const besideRabbitmq = process.env['LEVERET_CHAOS_RABBITMQ'] !== undefined && rabbitmqIsThere ? chaos : chaos.skip;

besideRabbitmq('RabbitMQ, watched', async () => {
  const report = await runChaos({ seed: runSeed(), broker: await RabbitmqBroker.create(), durationMs: 5_000 });
  process.stdout.write(formatReport(report));
  assert.ok(report.passed, formatReport(report));
  assert.ok(report.verdict.acknowledged > 1_000);
});

besideRabbitmq('RabbitMQ, killed with kill -9: what the page cache kept is there', async () => {
  const report = await runChaos({ seed: runSeed(), broker: await RabbitmqBroker.create(), kills: 5, durationMs: 10_000 });
  process.stdout.write(formatReport(report));
  assert.ok(report.passed, formatReport(report));
  assert.is(Object.values(report.faults.kills).reduce((sum, count) => sum + count, 0), 5);
});

chaos.run();
