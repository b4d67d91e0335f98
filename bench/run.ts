/**
 * Runs workloads against a broker that is already there:
 *
 *   npm run bench -- --url amqp://guest:guest@127.0.0.1:5672 --scenario auto-100b --seconds 6 --warmup 2
 */
import { optionsOrExit, parseRunOptions } from './options.ts';
import { measureScenario } from './measure.ts';
import { describeFigures } from './report/figures.ts';

const options = optionsOrExit(parseRunOptions, 'npm run bench -- [--url URL] [--scenario NAME,...] [--seconds N] [--warmup N] [--messages N] [--pid PID]');
for (const scenario of options.scenarios) {
  console.log(scenario.title);
  const figures = await measureScenario(scenario, { url: options.url, pid: options.pid }, options.timing);
  console.log(`  ${describeFigures(figures)}`);
}
