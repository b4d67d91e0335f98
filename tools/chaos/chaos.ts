/**
 * `leveret/chaos`: hurts a broker inside your process under verified traffic, and judges what came of every message.
 *
 *   import { createBroker } from 'leveret';
 *   import { chaos } from 'leveret/chaos';
 *
 *   const broker = await createBroker({ chaos: true, schedulers: 2 });
 *   const report = await chaos(broker, { seed: 42, crashes: 100, threads: 4, durationMs: 10_000 });
 *   assert.ok(report.passed, formatReport(report));
 */
import { randomInt } from 'node:crypto';
import { embeddedNode } from '../../src/main/embedded-node.ts';
import type { Broker } from '../../src/main/index.ts';
import type { ChaosReport } from './chaos-report.ts';
import { EmbeddedBroker } from './embedded-broker.ts';
import { type ChaosProgress, runChaosOn } from './run-chaos.ts';

export { formatReport } from './chaos-report.ts';
export type { ChaosReport } from './chaos-report.ts';
export type { ChaosProgress } from './run-chaos.ts';

/** All may be left out. What `leveret chaos` is told on the command line; kills and losses of the store are for a process of its own. */
export type BrokerChaosOptions = {
  /** The same seed makes the same plan. Default: drawn, and told in the report. */
  readonly seed?: number;
  /** Crashes of actors: queues, connections, the store's writer, the topology and those between them. Default 50. */
  readonly crashes?: number;
  /** Scheduler threads that end, some with a full heap; a quarter as many are stalled. Default 2. */
  readonly threads?: number;
  /** Traffic runs at least so long; what of the plan is not done then is still carried out. Default 5,000. */
  readonly durationMs?: number;
  /** Publishers with confirms. Default 4. */
  readonly publishers?: number;
  /** Consumers with acknowledgements, at least one a queue. Default 6. */
  readonly consumers?: number;
  /** Durable queues, which are deleted at the end. Default 4. */
  readonly queues?: number;
  /** Ends the faults early; queues are drained and judged all the same. */
  readonly signal?: AbortSignal;
  /** Called several times a second. */
  readonly watch?: (progress: ChaosProgress) => void;
};

const SEED_LIMIT = 0x7fff_ffff;
const DEFAULTS = { crashes: 50, threads: 2, durationMs: 5_000 };

/** Resolves with the report, whatever came of the messages; rejects with one sentence when there is nothing that it could hurt. */
export async function chaos(broker: Broker, options: BrokerChaosOptions = {}): Promise<ChaosReport> {
  const embedded = embeddedNode(broker);
  if (embedded === undefined) throw new Error("chaos hurts brokers that this package's createBroker has made; a process of its own is for leveret chaos.");
  const given = { seed: randomInt(SEED_LIMIT), ...DEFAULTS, ...options };
  if (!embedded.forgiving && given.crashes + given.threads > 0) {
    throw new Error('this broker marks what crashes too often, as it should; make one that forgives: createBroker({ chaos: true }).');
  }
  const faulty = new EmbeddedBroker(broker.url, embedded);
  return await runChaosOn(faulty, { ...given, schedulers: faulty.schedulers });
}
