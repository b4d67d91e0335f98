/**
 * The client's own ceiling: the same workloads against a server that does next to nothing. What a broker reaches is only
 * worth believing well below these figures.
 *
 *   node bench/sink.ts --seconds 3 --warmup 1
 *
 * forward: content goes from publisher to consumer as it came, on one thread: the ceiling of a broker without queues.
 * invent: publishes are dropped, the consumer gets messages that nobody sent: the ceiling of the two client processes.
 */
import { join } from 'node:path';
import { conduct } from './client/conduct.ts';
import { parseSinkOptions } from './options.ts';
import { BrokerProcess } from './peer/broker-process.ts';
import { describeFigures } from './report/figures.ts';

const SERVER_FILE = join(import.meta.dirname, 'sink', 'server.ts');
const START_LIMIT_MS = 10_000;

const { scenarios, timing } = parseSinkOptions(process.argv.slice(2));
for (const scenario of scenarios) {
  if (scenario.kind !== 'throughput' && scenario.kind !== 'latency') continue;
  const { load, name, kind } = scenario;
  for (const mode of ['forward', 'invent'] as const) {
    // An invented message carries no time of sending, and its tags say nothing about what was confirmed.
    if (mode === 'invent' && kind === 'latency') continue;
    const server = new BrokerProcess(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', SERVER_FILE, ...(mode === 'invent' ? [String(load.bodyBytes)] : [])],
      process.env,
    );
    try {
      const url = (await server.find(/amqp:\S+/, START_LIMIT_MS))[0];
      console.log(`${mode}  ${name}: ${describeFigures({ kind: 'load', ...(await conduct(url, load, timing)) })}`);
    } finally {
      await server.stop();
    }
  }
}
