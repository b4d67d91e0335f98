import { askNode } from '../ask-node.ts';
import { DEFAULT_DATA_DIR } from '../node-defaults.ts';
import { describeOptions, parseOptions } from '../option.ts';
import type { Option } from '../option.ts';
import type { QueueRestart } from '../queue-restart.ts';
import { EXIT_FAILURE, EXIT_USAGE, complain } from './command.ts';
import type { Command } from './command.ts';

const RESTART_OPTIONS = {
  vhost: { flag: 'vhost', environment: [], value: 'NAME', meaning: 'virtual host of the queue', fallback: '/' },
  dataDir: { flag: 'data-dir', environment: ['LEVERET_DATA_DIR'], value: 'PATH', meaning: 'data directory of the running node', fallback: DEFAULT_DATA_DIR },
} as const satisfies Readonly<Record<string, Option>>;

/** `leveret restart-queue`: a queue that has crashed too often runs again, in the node that goes on meanwhile. */
export const restartQueueCommand: Command = {
  name: 'restart-queue',
  summary: 'start a queue again that has crashed too often, in a node that runs',
  help: () => `leveret restart-queue NAME [options]

Starts a queue again that has crashed too often and stays down, with what it holds. A queue that runs is left alone; one whose stored
messages are damaged stays down. leveret tree --data-dir DIR shows which queues have crashed, and over what.

${describeOptions(RESTART_OPTIONS).replaceAll('; also undefined', '')}`,
  async run(argv) {
    const [queue, ...rest] = argv;
    if (queue === undefined || queue.startsWith('--')) return refuseUsage('say which queue: leveret restart-queue NAME.');
    const parsed = parseOptions(RESTART_OPTIONS, rest, process.env);
    if (parsed.kind === 'problem') return refuseUsage(parsed.text);
    const vhost = parsed.values.vhost?.text ?? '/';
    const reply = await askNode(parsed.values.dataDir?.text ?? DEFAULT_DATA_DIR, 'restart-queue', { vhost, queue });
    if ('problem' in reply) {
      complain(reply.problem);
      return EXIT_FAILURE;
    }
    const { started } = reply.answer as QueueRestart;
    process.stdout.write(started ? `queue '${queue}' in vhost '${vhost}' runs again.\n` : `queue '${queue}' in vhost '${vhost}' runs, and was left alone.\n`);
    return 0;
  },
};

function refuseUsage(sentence: string): number {
  complain(`${sentence} See leveret restart-queue --help.`);
  return EXIT_USAGE;
}
