import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { supervisionTree } from '../../../actors/supervision-tree.ts';
import { type NodePart, RootSupervision } from '../../../src/main/root-supervision.ts';
import { VirtualClock } from '../../support/hostile/virtual-clock.ts';

const NAMES = supervisionTree.children.map(({ id }) => id);

/** The tree's root over parts that only write down what happens to them. */
class Stage {
  readonly story: string[] = [];
  readonly parts: Record<string, NodePart> = {};
  readonly clock = new VirtualClock();
  readonly gaveUp: string[] = [];
  readonly root: RootSupervision;

  constructor(parts: Partial<Record<string, Partial<NodePart>>> = {}, names: readonly string[] = NAMES) {
    for (const name of names) {
      this.parts[name] = {
        start: () => void this.story.push(`start ${name}`),
        stop: () => void this.story.push(`stop ${name}`),
        kill: () => void this.story.push(`kill ${name}`),
        ...parts[name],
      };
    }
    this.root = new RootSupervision(supervisionTree, this.parts, this.clock, ({ text }) => this.gaveUp.push(text));
  }

  tell(): string[] {
    return this.story.splice(0);
  }
}

const test = suite('root supervision');

test('the parts of the node are those of the tree, no more and no fewer', () => {
  assert.throws(() => new Stage({}, NAMES.slice(1)), /the tree names store, topology/);
  assert.throws(() => new Stage({}, [...NAMES, 'attic']), /the node has .*attic/);
});

test('parts start in the order of the tree and stop in the reverse of it', async () => {
  const stage = new Stage();
  await stage.root.start();
  assert.equal(stage.tell(), NAMES.map((name) => `start ${name}`));
  await stage.root.stop();
  assert.equal(stage.tell(), NAMES.toReversed().map((name) => `stop ${name}`));
  assert.equal(stage.gaveUp, []);
  assert.is(stage.root.snapshot().state, 'ended');
});

test('the next part waits until the one before stands', async () => {
  const standing = Promise.withResolvers<void>();
  const stage = new Stage({ queues: { start: () => standing.promise } });
  const started = stage.root.start();
  assert.equal(stage.tell(), ['start store', 'start topology']);
  standing.resolve();
  await started;
  assert.equal(stage.tell(), ['start connections', 'start listener', 'start janitor']);
});

test('a part that ends takes with it those that stand on it, and nobody else', async () => {
  const stage = new Stage();
  await stage.root.start();
  stage.tell();
  stage.root.exited('connections', 'broken');
  assert.equal(stage.tell(), ['stop janitor', 'stop listener', 'start connections', 'start listener', 'start janitor']);
  stage.root.exited('janitor', 'broken');
  assert.equal(stage.tell(), ['start janitor']);
});

test('a start that fails stops what stood and throws its own error', async () => {
  const taken = Object.assign(new Error('the port is taken'), { code: 'EADDRINUSE' });
  const stage = new Stage({ listener: { start: () => Promise.reject(taken) } });
  let error: unknown;
  await stage.root.start().catch((thrown: unknown) => (error = thrown));
  assert.is(error, taken);
  assert.equal(stage.tell().slice(4), ['stop connections', 'stop queues', 'stop topology', 'stop store']);
  await stage.root.stop();
  assert.equal(stage.gaveUp, []);
});

test('a part that does not stop in its time is ended by force, and the rest still stops in order', async () => {
  const stage = new Stage({ janitor: { stop: () => new Promise(() => {}) } });
  await stage.root.start();
  stage.tell();
  const stopped = stage.root.stop();
  assert.equal(stage.tell(), []);
  stage.clock.advance(1_000, () => {});
  await stopped;
  assert.equal(stage.tell(), ['kill janitor', 'stop listener', 'stop connections', 'stop queues', 'stop topology', 'stop store']);
});

test('one restart more than the tree bears stops everything and says so', async () => {
  const stage = new Stage();
  await stage.root.start();
  const { restarts } = supervisionTree.intensity;
  for (let restart = 0; restart < restarts; restart++) stage.root.exited('topology', 'broken');
  assert.equal(stage.gaveUp, []);
  stage.tell();
  stage.root.exited('topology', 'broken');
  assert.equal(stage.tell(), ['stop janitor', 'stop listener', 'stop connections', 'stop queues', 'stop store']);
  assert.is(stage.gaveUp.length, 1);
  assert.match(stage.gaveUp[0] ?? '', 'too many restarts: child topology, last crash: broken');
  await stage.root.stop();
});

test.run();
