import { askNode } from '../ask-node.ts';
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
  const reply = await askNode(dataDir, 'tree');
  if ('problem' in reply) return reply;
  const { formatTree } = await import('../../../actors/supervision-tree-drawing.ts');
  const { supervisionTree } = await import('../../../actors/supervision-tree.ts');
  const { liveNodes } = await import('../live-tree.ts');
  return { text: formatTree(supervisionTree, { live: liveNodes(reply.answer as LiveTree) }) };
}
