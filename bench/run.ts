/**
 * Runs workloads against a broker that is already there:
 *
 *   npm run bench -- --url amqp://guest:guest@127.0.0.1:5672 --scenario auto-100b --seconds 6 --warmup 2
 */
import { parseRunOptions } from './options.ts';
import { measureScenario } from './measure.ts';
import { describeFigures } from './report/figures.ts';

const options = parseRunOptions(process.argv.slice(2));
for (const scenario of options.scenarios) {
  console.log(scenario.title);
  const figures = await measureScenario(scenario, { url: options.url, pid: options.pid }, options.timing);
  console.log(`  ${describeFigures(figures)}`);
}
