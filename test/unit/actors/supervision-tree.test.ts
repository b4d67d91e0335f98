import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { childrenOf, supervisionTree, type TreeNode } from '../../../actors/supervision-tree.ts';
import { DRAWING_COLUMNS_MAX, formatTree, INSTANCES_DRAWN_MAX } from '../../../actors/supervision-tree-drawing.ts';
import { printStaticTree } from '../../../tools/tree/print-tree.ts';

const test = suite('supervision tree');

function allNodes(node: TreeNode): TreeNode[] {
  return [node, ...childrenOf(node).flatMap(allNodes)];
}

const nodes = allNodes(supervisionTree);

test('the store starts first and stops last; connections go before queues, the listener before both', () => {
  const order = supervisionTree.children.map((child) => child.id);
  assert.equal(order, ['store', 'topology', 'queues', 'connections', 'listener', 'janitor']);
  assert.is(supervisionTree.strategy, 'rest-for-one');
});

test('every node has a name of its own and one sentence that says why', () => {
  assert.is(new Set(nodes.map((node) => node.id)).size, nodes.length);
  for (const node of nodes) assert.match(node.why, /^[A-Z].{20,}\.$/, node.id);
});

test('supervisors have the time their children need', () => {
  // A thread may hang, so it is the one that is ended by force.
  const supervisors = nodes.filter((node) => node.kind === 'supervisor' && node.id !== 'thread');
  for (const node of supervisors) assert.is(node.shutdown, 'infinity', node.id);
  assert.is(nodes.find((node) => node.id === 'thread')?.shutdown, 2_000);
});

test('a queue is given five restarts in ten seconds and is then marked; a connection is never revived', () => {
  const queues = nodes.find((node) => node.id === 'queues-of-thread');
  assert.ok(queues?.kind === 'supervisor' && queues.strategy === 'dynamic');
  assert.equal([queues.giveUp, queues.intensity], ['mark', { restarts: 5, periodMs: 10_000 }]);
  assert.is(nodes.find((node) => node.id === 'connection')?.restart, 'temporary');
});

test('the static drawing names every node with its reason and fits the width', () => {
  const drawing = printStaticTree();
  for (const line of drawing.split('\n')) assert.ok(line.length <= DRAWING_COLUMNS_MAX, line);
  const words = drawing.replace(/[│├└─\s]+/g, ' ');
  for (const node of nodes) {
    assert.ok(words.includes(` ${node.id} [`) || drawing.startsWith(node.id), node.id);
    assert.ok(words.includes(node.why), node.id);
  }
});

test('the plain drawing is ASCII', () => {
  assert.match(printStaticTree(true), /^[\x20-\x7e\n]+$/);
});

test('live data replace the reasons', () => {
  const live = {
    root: { state: 'running', generation: 1, restarts: 0, lastError: null, children: 6 },
    queue: { state: 'crashed', generation: 7, restarts: 5, lastError: `crash: ${'x'.repeat(300)}\u001b[31m`, children: 0 },
  };
  const drawing = formatTree(supervisionTree, { live });
  assert.ok(drawing.startsWith('root  [main: running, generation 1, 0 restarts, 6 children]\n'));
  assert.match(drawing, /queue {2}\[scheduler: crashed, generation 7, 5 restarts, 0 children\]/);
  assert.match(drawing, /listener {2}\[unknown\]/);
  assert.not.ok(drawing.includes('\u001b'), 'a control character reached the terminal');
  for (const line of drawing.split('\n')) assert.ok(line.length <= DRAWING_COLUMNS_MAX, line);
});

test('instances of one kind are drawn each below its own parent, as many as there is room for', () => {
  const running = { state: 'running', generation: 1, restarts: 0, lastError: null };
  const live = new Map([
    ['thread@2', running],
    ['thread@10', running],
    ['queues-of-thread@2', running],
    ['queues-of-thread@10', running],
    ['queue@10/a/b', running],
    ...Array.from({ length: INSTANCES_DRAWN_MAX + 3 }, (_, index) => [`queue@2/${index}`, running] as const),
  ]);
  const drawing = formatTree(supervisionTree, { live, plain: true });
  const names = [...drawing.matchAll(/(queue\S*@\S+)/g)].map((match) => match[1]);
  assert.equal(names.slice(0, 2), ['queues-of-thread@2', 'queue@2/0']);
  assert.equal(names.slice(-2), ['queues-of-thread@10', 'queue@10/a/b']);
  assert.is(names.length, INSTANCES_DRAWN_MAX + 3);
  assert.match(drawing, /and 3 more/);
});

test.run();
