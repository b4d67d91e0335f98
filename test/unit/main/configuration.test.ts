import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseMemoryWatermark, memoryLimitBytes } from '../../../src/main/memory-watermark.ts';
import { defaultNodeConfig } from '../../../src/main/node-defaults.ts';
import { describeOptions, parseOptions } from '../../../src/main/option.ts';
import { START_OPTIONS, configureNode } from '../../../src/main/start-options.ts';
import type { Configured } from '../../../src/main/start-options.ts';

const GIB = 1024 ** 3;
const configuration = suite('configuration');

function configure(argv: readonly string[], environment: Readonly<Record<string, string>> = {}): Configured {
  const parsed = parseOptions(START_OPTIONS, argv, environment);
  return parsed.kind === 'problem' ? { problem: parsed.text } : configureNode(parsed.values, 10 * GIB);
}

function problemOf(argv: readonly string[], environment: Readonly<Record<string, string>> = {}): string {
  const configured = configure(argv, environment);
  return 'problem' in configured ? configured.problem : 'no problem';
}

configuration('nothing given: RabbitMQ\'s defaults on loopback', () => {
  const configured = configure([]);
  assert.ok('config' in configured);
  assert.equal('config' in configured ? configured.config : undefined, {
    ...defaultNodeConfig(10 * GIB),
    host: '127.0.0.1',
    port: 5672,
    vhost: '/',
    users: [{ name: 'guest', password: 'guest', tags: ['administrator'] }],
    heartbeatSeconds: 60,
    frameMax: 131_072,
    channelMax: 2_047,
    memoryLimitBytes: 4 * GIB,
  });
});

configuration('a flag beats the environment, both forms of a flag, the last one counts', () => {
  const configured = configure(['--port', '1', '--port=2', '--host=[::1]', '--data-dir=/a=b'], { LEVERET_PORT: '3', LEVERET_HOST: 'x', LEVERET_SCHEDULERS: '7' });
  if ('problem' in configured) throw new Error(configured.problem);
  assert.is(configured.config.port, 2);
  assert.is(configured.config.host, '::1');
  assert.is(configured.config.dataDir, '/a=b');
  assert.is(configured.config.schedulers, 7);
});

configuration('the first user follows the variables of RabbitMQ\'s image, Leveret\'s own first', () => {
  const configured = configure([], { RABBITMQ_DEFAULT_USER: 'r', RABBITMQ_DEFAULT_PASS: 'p', LEVERET_DEFAULT_PASS: 'q', RABBITMQ_DEFAULT_VHOST: 'v' });
  if ('problem' in configured) throw new Error(configured.problem);
  assert.equal(configured.config.users, [{ name: 'r', password: 'q', tags: ['administrator'] }]);
  assert.is(configured.config.vhost, 'v');
});

configuration('a problem names the flag or variable, the value and what to give', () => {
  assert.is(problemOf(['--port', '65536']), '--port cannot be "65536": give a whole number from 0 to 65535.');
  assert.is(problemOf([], { LEVERET_PORT: '0x10' }), 'LEVERET_PORT cannot be "0x10": give a whole number from 0 to 65535.');
  assert.is(problemOf(['--host', 'a:5672']), '--host cannot be "a:5672": give an IP address or a host name, without a port.');
  assert.is(problemOf(['--schedulers', '64']), '--schedulers cannot be "64": give a whole number from 1 to 63.');
  assert.is(problemOf(['--port', '--host']), '--port needs a value: --port PORT.');
  assert.is(problemOf(['--frame-max', '4095']), '--frame-max cannot be "4095": give a whole number from 4096 to 2147483647.');
  assert.match(problemOf(['--default-password', 'x']), /^unknown option --default-password; known are --host, /);
  assert.match(problemOf(['--__proto__', 'x']), /^unknown option/);
  assert.match(problemOf(['start']), /^unexpected argument "start"/);
});

configuration('switches are passed over, and named beside the options', () => {
  const table = { count: { flag: 'count', environment: [], value: 'N', meaning: 'how many', fallback: '1' } };
  assert.equal(parseOptions(table, ['--once', '--count', '2'], {}, ['--once']), { kind: 'values', values: { count: { text: '2', from: '--count' } } });
  assert.equal(parseOptions(table, ['--one'], {}, ['--once']), { kind: 'problem', text: 'unknown option --one; known are --once, --count and --help.' });
  assert.match(describeOptions(table), /\(default 1\)/);
});

configuration('the help names every option', () => {
  const help = describeOptions(START_OPTIONS);
  for (const name of ['--host', '--port', '--data-dir', '--schedulers', '--log-level', '--memory-high-watermark', 'LEVERET_DATA_DIR', 'LEVERET_DEFAULT_PASS']) {
    assert.match(help, name);
  }
});

configuration('the watermark is a share or a size in RabbitMQ\'s units', () => {
  const limits: readonly (readonly [string, number | undefined])[] = [
    ['0.4', 4 * GIB],
    ['1', 10 * GIB],
    ['0', 0],
    ['2147483648', 2_147_483_648],
    ['512MB', 512_000_000],
    ['512MiB', 536_870_912],
    ['1.5GiB', 1.5 * GIB],
    ['2g', 2 * GIB],
    ['1 kb', 1000],
    ['1.5', undefined],
    ['-1', undefined],
    ['1XB', undefined],
    ['', undefined],
    ['9999999TB', undefined],
  ];
  for (const [text, bytes] of limits) {
    const watermark = parseMemoryWatermark(text);
    assert.is(watermark === undefined ? undefined : memoryLimitBytes(watermark, 10 * GIB), bytes, text);
  }
});

configuration.run();
