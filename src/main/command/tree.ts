import { describeOptions, parseOptions } from '../option.ts';
import { EXIT_USAGE, complain } from './command.ts';
import type { Command } from './command.ts';

const TREE_OPTIONS = {};

/** `leveret tree`: who supervises whom, with which strategy, and why. */
export const treeCommand: Command = {
  name: 'tree',
  summary: 'show who supervises whom, and why',
  help: () => `leveret tree\n\nDraws the supervision tree that every node runs.\n${describeOptions(TREE_OPTIONS)}`,
  async run(argv) {
    const parsed = parseOptions(TREE_OPTIONS, argv, process.env);
    if (parsed.kind === 'problem') {
      complain(parsed.text);
      return EXIT_USAGE;
    }
    const { formatTree } = await import('../../../actors/supervision-tree-drawing.ts');
    const { supervisionTree } = await import('../../../actors/supervision-tree.ts');
    process.stdout.write(`${formatTree(supervisionTree).trimEnd()}\n`);
    return 0;
  },
};
