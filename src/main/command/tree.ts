import { askLine } from '../../../native-free-io/socket/line-client.ts';
import { CONTROL_SOCKET, readReply, writeQuestion } from '../control-protocol.ts';
import { CONTROL_ANSWER_MS } from '../control-server.ts';
import type { LiveTree } from '../live-tree.ts';
import { describeOptions, parseOptions } from '../option.ts';
import { EXIT_FAILURE, EXIT_USAGE, complain } from './command.ts';
import type { Option } from '../option.ts';
import type { Command } from './command.ts';

const TREE_OPTIONS = {
  dataDir: {
    flag: 'data-dir',
    environment: ['LEVERET_DATA_DIR'],
    value: 'PATH',
    meaning: 'data directory of a running node, whose tree is drawn as it is now',
    fallback: 'none: the tree that every node runs, with its reasons',
  },
} as const satisfies Readonly<Record<string, Option>>;

/** The node answers within its own limit; this much more is for the way. */
const PATIENCE_MS = CONTROL_ANSWER_MS + 1_000;

/** `leveret tree`: who supervises whom, with which strategy and why; or of a running node, how everybody does. */
export const treeCommand: Command = {
  name: 'tree',
  summary: 'show who supervises whom, and why; or how everybody does in a running node',
  help: () => `leveret tree [options]\n\nDraws the supervision tree.\n\n${describeOptions(TREE_OPTIONS)}`,
  async run(argv) {
    const parsed = parseOptions(TREE_OPTIONS, argv, process.env);
    if (parsed.kind === 'problem') {
      complain(parsed.text);
      return EXIT_USAGE;
    }
    const dataDir = parsed.values.dataDir?.text;
    const drawing = dataDir === undefined ? { text: await drawPlan() } : await drawLive(dataDir);
    if ('problem' in drawing) {
      complain(drawing.problem);
      return EXIT_FAILURE;
    }
    process.stdout.write(drawing.text);
    return 0;
  },
};

async function drawPlan(): Promise<string> {
  const { formatTree } = await import('../../../actors/supervision-tree-drawing.ts');
  const { supervisionTree } = await import('../../../actors/supervision-tree.ts');
  return formatTree(supervisionTree);
}

async function drawLive(dataDir: string): Promise<{ readonly text: string } | { readonly problem: string }> {
  const outcome = await askLine(dataDir, CONTROL_SOCKET, writeQuestion('tree'), PATIENCE_MS);
  if (!outcome.answered) return { problem: sentence(outcome.why, dataDir) };
  const reply = readReply(outcome.line);
  if (reply === undefined) return { problem: `the node in ${dataDir} is of another version; ask it with its own leveret.` };
  if ('problem' in reply) return { problem: `the node in ${dataDir} did not tell: ${reply.problem}.` };
  const { formatTree } = await import('../../../actors/supervision-tree-drawing.ts');
  const { supervisionTree } = await import('../../../actors/supervision-tree.ts');
  const { liveNodes } = await import('../live-tree.ts');
  return { text: formatTree(supervisionTree, { live: liveNodes(reply.answer as LiveTree) }) };
}

function sentence(why: 'absent' | 'forbidden' | 'silent', dataDir: string): string {
  switch (why) {
    case 'absent':
      return `no node runs in ${dataDir}; give the --data-dir that it was started with.`;
    case 'forbidden':
      return `the node in ${dataDir} belongs to another user; ask it as that user.`;
    case 'silent':
      return `the node in ${dataDir} does not answer; it may be closing or overloaded, try again.`;
  }
}
