/**
 * The client's own ceiling: the same workloads against a server that does next to nothing. What a broker reaches is only
 * worth believing well below these figures.
 *
 *   node bench/sink.ts --seconds 3 --warmup 1
 *
 * forward: content goes from publisher to consumer as it came, on one thread: the ceiling of a broker without queues.
 * invent: publishes are dropped, the consumer gets messages that nobody sent: the ceiling of the two client processes.
 */
import { conduct } from './client/conduct.ts';
import { optionsOrExit, parseSinkOptions } from './options.ts';
import { withSink } from './matrix/ceiling.ts';
import { describeFigures } from './report/figures.ts';

const { scenarios, timing } = optionsOrExit(parseSinkOptions, 'node bench/sink.ts [--only NAME,...] [--seconds N] [--warmup N]');
for (const scenario of scenarios) {
  if (scenario.kind !== 'throughput' && scenario.kind !== 'latency') continue;
  const { load, name, kind } = scenario;
  for (const mode of ['forward', 'invent'] as const) {
    // An invented message carries no time of sending, and its tags say nothing about what was confirmed.
    if (mode === 'invent' && kind === 'latency') continue;
    await withSink(mode, load, async (url) => {
      console.log(`${mode}  ${name}: ${describeFigures({ kind: 'load', ...(await conduct(url, load, timing)) })}`);
    });
  }
}
