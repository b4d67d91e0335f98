/**
 * The clients that Debian packages, each in its own language: the six patterns of RabbitMQ's tutorials, confirms, returns
 * and errors. One script a client in `debian/`, one child process and one test a pattern.
 */
import { execFile } from 'node:child_process';
import type { ExecFileException } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { testBroker } from '../support/broker.ts';
import type { TestBroker } from '../support/broker.ts';
import { freshName } from '../support/fresh-name.ts';

const SCRIPTS = join(import.meta.dirname, 'debian');
/** A script has its own limits of 20 s; this one ends a script that hangs in its library, milliseconds. */
const SCRIPT_TIMEOUT_MS = 90_000;
/** Debian's own Python: the packages are installed for no other. */
const PYTHON = '/usr/bin/python3';

type DebianClient = {
  readonly title: string;
  /** The Debian package to install. */
  readonly debianPackage: string;
  readonly script: readonly string[];
  /** Ends with 0 when the client is installed. */
  readonly probe: readonly string[];
  readonly patterns: readonly string[];
};

const SIX = ['hello', 'work', 'publish-subscribe', 'routing', 'topics', 'rpc'];
const ALL = [...SIX, 'confirms', 'returns', 'errors'];

const CLIENTS: readonly DebianClient[] = [
  {
    title: 'pika',
    debianPackage: 'python3-pika',
    script: [PYTHON, 'pika_patterns.py'],
    probe: [PYTHON, '-c', 'import pika'],
    patterns: ALL,
  },
  {
    title: 'kombu',
    debianPackage: 'python3-kombu',
    script: [PYTHON, 'kombu_patterns.py'],
    probe: [PYTHON, '-c', 'import kombu'],
    patterns: ALL,
  },
  {
    title: 'php-amqplib',
    debianPackage: 'php-amqplib',
    script: ['php', 'php_patterns.php'],
    probe: ['php', '-r', "require 'PhpAmqpLib/autoload.php';"],
    patterns: ALL,
  },
  {
    title: 'bunny',
    debianPackage: 'ruby-bunny',
    script: ['/usr/bin/ruby', 'bunny_patterns.rb'],
    probe: ['/usr/bin/ruby', '-e', "require 'bunny'"],
    patterns: ALL,
  },
  {
    title: 'amqp-tools',
    debianPackage: 'amqp-tools',
    script: ['sh', 'amqp_tools_patterns.sh'],
    probe: ['sh', '-c', 'command -v amqp-publish amqp-consume amqp-get amqp-declare-queue amqp-delete-queue'],
    patterns: [...SIX, 'delete', 'errors'],
  },
];

type Ending = { readonly status: number; readonly output: string };

function execute(command: readonly string[], environment: Record<string, string> = {}): Promise<Ending> {
  const [file = '', ...parameters] = command;
  const options = { cwd: SCRIPTS, timeout: SCRIPT_TIMEOUT_MS, env: { ...process.env, ...environment } };
  return new Promise((resolve) => {
    execFile(file, parameters, options, (error: ExecFileException | null, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ status, output: `${stdout}${stderr}${error !== null && error.killed === true ? '\nended: it hung' : ''}` });
    });
  });
}

let broker: TestBroker | undefined;

/** Everything must be installed where CI runs. */
const complete = (process.env['CI'] ?? '') !== '';

/** One test a pattern; a client that is not installed is skipped by name. */
function patternTests(client: DebianClient, installed: boolean): void {
  const patterns = suite(client.title);
  for (const pattern of client.patterns) {
    if (!installed && !complete) {
      patterns.skip(pattern);
      continue;
    }
    patterns(pattern, async () => {
      assert.ok(installed, `the Debian package ${client.debianPackage} is not installed`);
      broker ??= await testBroker();
      const environment = { AMQP_URL: broker.url, FRESH_NAME: freshName(client.title) };
      const { status, output } = await execute([...client.script, pattern], environment);
      assert.is(status, 0, output);
    });
  }
  patterns.run();
}

const probes = await Promise.all(CLIENTS.map((client) => execute(client.probe)));
for (const [place, client] of CLIENTS.entries()) {
  const installed = probes[place]?.status === 0;
  if (!installed) process.stdout.write(`${client.title}: skipped, the Debian package ${client.debianPackage} is not installed\n`);
  patternTests(client, installed);
}

const scripts = suite('debian scripts');
scripts('each belongs to a client', () => {
  assert.equal(readdirSync(SCRIPTS).sort(), CLIENTS.map((client) => client.script.at(-1)).sort());
});
// The last suite of the file, so this runs when every script has ended.
scripts.after(async () => {
  await broker?.close();
});
scripts.run();
