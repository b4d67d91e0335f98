import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseOptions } from '../../../../src/main/option.ts';
import { CHAOS_OPTIONS, configureChaos } from '../../../../tools/chaos/chaos-options.ts';
import type { ConfiguredChaos } from '../../../../tools/chaos/chaos-options.ts';

const options = suite('chaos options');

function configure(line: string): ConfiguredChaos {
  const parsed = parseOptions(CHAOS_OPTIONS, line.split(' ').filter(Boolean), {});
  return parsed.kind === 'problem' ? { problem: parsed.text } : configureChaos(parsed.values, 77);
}

function problemOf(line: string): string {
  const configured = configure(line);
  return 'problem' in configured ? configured.problem : '';
}

options('a whole line', () => {
  const configured = configure('--seed 42 --crashes 1000 --kill9 50 --store 3 --threads 20 --duration 1.5m --schedulers 4 --json out.json');
  assert.equal(configured, {
    options: { durability: 'flushed', seed: 42, crashes: 1000, kills: 50, storeLosses: 3, threads: 20, durationMs: 90_000, schedulers: 4, publishers: 4, consumers: 6, queues: 4 },
    json: 'out.json',
  });
});

options('a broker that runs is watched and not hurt', () => {
  const configured = configure('--url amqp://127.0.0.1:5672 --faults none --duration 500ms');
  assert.ok('options' in configured);
  assert.equal([configured.options.url, configured.options.crashes, configured.options.kills, configured.options.threads], ['amqp://127.0.0.1:5672', 0, 0, 0]);
  assert.is(configured.options.seed, 77);
  assert.match(problemOf('--url amqp://127.0.0.1'), 'cannot be hurt: add --faults none');
});

options('what cannot be is said', () => {
  assert.match(problemOf('--seed x'), '--seed cannot be "x"');
  assert.match(problemOf('--seed 2147483648'), 'from 0 to 2147483647');
  assert.match(problemOf('--duration 10'), '--duration cannot be "10": give a time such as');
  assert.match(problemOf('--faults some'), 'give all or none');
  assert.match(problemOf('--url http://localhost --faults none'), 'give amqp://');
  assert.match(problemOf('--queues 8'), 'every queue needs a consumer');
  assert.match(problemOf('--durability maybe'), 'give flushed or written');
  assert.match(problemOf('--dance'), 'unknown option --dance');
});

options.run();
