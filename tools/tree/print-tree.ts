/**
 * The supervision tree as it is meant to be, for people: `node tools/tree/print-tree.ts [--plain]`.
 */
import { supervisionTree } from '../../actors/supervision-tree.ts';
import { formatTree } from '../../actors/supervision-tree-drawing.ts';

/** The whole tree with its reasons, at most 100 columns wide; in ASCII only when `plain`. */
export function printStaticTree(plain = false): string {
  return formatTree(supervisionTree, { plain });
}

if (import.meta.main) process.stdout.write(printStaticTree(process.argv.includes('--plain')));
