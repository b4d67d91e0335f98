import { describeOptions, parseOptions } from '../option.ts';
import { EXIT_FAILURE, EXIT_USAGE, complain } from './command.ts';
import type { Inspection } from '../inspection/inspection.ts';
import type { StoredQueues } from '../inspection/stored-queues.ts';
import type { Option } from '../option.ts';
import type { Command } from './command.ts';

const INSPECT_OPTIONS = {
  queue: { flag: 'queue', environment: [], value: 'NAME', meaning: 'list the messages of this queue', fallback: 'none: figures of all queues' },
  vhost: { flag: 'vhost', environment: [], value: 'NAME', meaning: 'virtual host of that queue', fallback: '/' },
  limit: { flag: 'limit', environment: [], value: 'COUNT', meaning: 'messages that are listed at most', fallback: '20' },
} as const satisfies Readonly<Record<string, Option>>;

const LIMIT = 20;
const LIMIT_MAX = 100_000;
const JSON_FLAG = '--json';

/** `leveret inspect`: what a data directory holds, of a stopped or a running node. */
export const inspectCommand: Command = {
  name: 'inspect',
  summary: 'show what a data directory holds, and whether it is sound; changes nothing',
  help: () => `leveret inspect DIR [options]

Shows what a data directory holds: definitions, queues and their messages, and what of it is damaged. Nothing is changed, and a node may
run on it meanwhile. Ends with 0 when all is sound and with 1 when something is damaged or nothing can be told.

${describeOptions(INSPECT_OPTIONS)}
  ${JSON_FLAG.padEnd(34)} one JSON object instead of text`,
  async run(argv) {
    const [directory, ...rest] = argv;
    if (directory === undefined || directory.startsWith('--')) return refuseUsage('say which data directory: leveret inspect DIR.');
    const parsed = parseOptions(INSPECT_OPTIONS, rest, {}, [JSON_FLAG]);
    if (parsed.kind === 'problem') return refuseUsage(parsed.text);
    const { queue, vhost, limit } = parsed.values;
    const count = limit === undefined ? LIMIT : Number(limit.text);
    if (!Number.isSafeInteger(count) || count < 1 || count > LIMIT_MAX) return refuseUsage(`--limit is a number from 1 to ${LIMIT_MAX}.`);
    const { inspectDataDirectory } = await import('../inspection/inspection.ts');
    const outcome = inspectDataDirectory(directory);
    if ('problem' in outcome) {
      complain(`${outcome.problem}.`);
      return EXIT_FAILURE;
    }
    const asJson = rest.includes(JSON_FLAG);
    if (queue !== undefined) return showQueue(outcome.inspection, outcome.queues, { vhost: vhost?.text ?? '/', name: queue.text }, count, asJson);
    const { inspectionJson, inspectionText } = await import('../inspection/inspection-text.ts');
    write(asJson ? `${JSON.stringify(inspectionJson(outcome.inspection))}\n` : inspectionText(outcome.inspection));
    return isSound(outcome.inspection) ? 0 : EXIT_FAILURE;
  },
};

async function showQueue(
  { definitions, stored, directory }: Inspection,
  queues: StoredQueues | undefined,
  wanted: { readonly vhost: string; readonly name: string },
  limit: number,
  asJson: boolean,
): Promise<number> {
  const queue = definitions.queues.find(({ vhost, name }) => vhost === wanted.vhost && name === wanted.name);
  if (queue === undefined) {
    complain(`no durable queue '${wanted.name}' in vhost '${wanted.vhost}' is defined in ${directory}.`);
    return EXIT_FAILURE;
  }
  const { messagesText } = await import('../inspection/inspection-text.ts');
  const messages = queues?.messages(queue.id, limit) ?? [];
  write(asJson ? `${JSON.stringify({ ...queue, ...stored.get(queue.id), listed: messages })}\n` : messagesText(messages));
  const damage = stored.get(queue.id)?.damage ?? null;
  if (damage === null) return 0;
  complain(damage);
  return EXIT_FAILURE;
}

function isSound({ faults, stored }: Inspection): boolean {
  return faults.length === 0 && [...stored.values()].every(({ damage }) => damage === null);
}

function refuseUsage(sentence: string): number {
  complain(`${sentence} See leveret inspect --help.`);
  return EXIT_USAGE;
}

/** Whoever reads may have seen enough and gone. */
function write(text: string): void {
  process.stdout.on('error', () => undefined);
  process.stdout.write(text);
}
