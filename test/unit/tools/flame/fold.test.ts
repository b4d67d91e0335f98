import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readCpuProfile } from '../../../../tools/flame/cpu-profile.ts';
import { difference } from '../../../../tools/flame/difference.ts';
import { flamePage } from '../../../../tools/flame/flame-page.ts';
import { type Frame, fold } from '../../../../tools/flame/fold.ts';
import { frameFile, frameKind } from '../../../../tools/flame/frame-kind.ts';
import { hottest } from '../../../../tools/flame/hottest.ts';
import { pageData } from '../../../../tools/flame/page/page-data.ts';

const folding = suite('flame graph of a profile');

const node = (id: number, functionName: string, url: string, children: number[] = []): object => ({
  id,
  callFrame: { functionName, scriptId: '1', url, lineNumber: 9, columnNumber: 0 },
  hitCount: 0,
  children,
});
const QUEUE = 'file:///home/someone/leveret/src/broker/queue/queue-machine.ts';

/** `publish` is seen over two ways that V8 keeps apart, as it does after inlining. */
const RECORDED = JSON.stringify({
  nodes: [
    node(1, '(root)', '', [2, 3, 4, 7]),
    node(2, '(idle)', ''),
    node(3, '(garbage collector)', ''),
    node(4, 'run', 'file:///home/someone/leveret/actors/runtime/scheduler.ts', [5, 6]),
    node(5, 'publish', QUEUE, [8]),
    node(6, 'publish', QUEUE),
    node(7, '(program)', ''),
    node(8, 'writev', ''),
  ],
  startTime: 0,
  endTime: 100,
  samples: [2, 3, 5, 6, 8, 4, 7, 2],
  timeDeltas: [10, 20, 30, 40, 50, 60, 71, -5],
});

function child(frame: Frame, name: string): Frame {
  const found = frame.children.find((other) => other.name === name);
  if (found === undefined) throw new Error(`there is no ${name} below ${frame.name}`);
  return found;
}

folding('times of the same function below the same callers are one frame, and callers have those of what they call', () => {
  const root = fold(readCpuProfile(RECORDED), 'scheduler-1');
  assert.equal([root.name, root.total], ['scheduler-1', 281]);
  const run = child(root, 'run');
  assert.equal([run.self, run.total, run.kind, run.place], [60, 180, 'actors', 'actors/runtime/scheduler.ts:10']);
  const publish = child(run, 'publish');
  assert.equal([publish.self, publish.total, publish.kind], [70, 120, 'broker']);
  assert.equal([child(publish, 'writev').self, child(publish, 'writev').kind], [50, 'native']);
  assert.equal([child(root, '(idle)').self, child(root, '(garbage collector)').kind, child(root, '(program)').kind], [10, 'collector', 'native']);
});

folding('what is no profile is refused with a sentence', () => {
  for (const text of ['', '{}', 'null', '[]', '{"nodes":[],"samples":[1],"timeDeltas":[]}', '\u0000']) {
    assert.throws(() => readCpuProfile(text), 'it is no CPU profile', text);
  }
  assert.is(fold(readCpuProfile('{"nodes":[],"samples":[],"timeDeltas":[]}'), 'main').total, 0);
});

folding('a stack without end is cut, and no time with it', () => {
  const nodes = Array.from({ length: 5_000 }, (_, index) => node(index + 1, `f${index}`, QUEUE, index < 4_999 ? [index + 2] : []));
  const root = fold(readCpuProfile(JSON.stringify({ nodes, samples: [5_000], timeDeltas: [7] })), 'main');
  assert.is(root.total, 7);
});

folding('frames are of the room that their file is in', () => {
  const kinds = ['node:net', '/x/node_modules/lmdb/index.js', '/x/node_modules/leveret/dist/src/amqp/frame.js', '/x/node_modules/leveret/node_modules/lmdb/index.js', '/x/native-free-io/clock.ts'];
  assert.equal(kinds.map((url) => frameKind('f', url)), ['node', 'dependency', 'broker', 'dependency', 'native-free-io']);
  assert.is(frameFile('file:///x/node_modules/lmdb/index.js'), 'lmdb/index.js');
  assert.is(frameFile('file:///x/dist/src/amqp/frame.js'), 'src/amqp/frame.js');
});

folding('a difference compares shares of the work, without what was idle', () => {
  const before = fold(readCpuProfile(RECORDED), 'main');
  const after = fold(readCpuProfile(RECORDED.replace('"timeDeltas":[10,20', '"timeDeltas":[9999,290')), 'main');
  const compared = difference(before, after);
  assert.equal([compared.before, compared.total], [1_000_000, 1_000_000]);
  const collector = compared.children.find(({ name }) => name === '(garbage collector)')!;
  assert.equal([collector.before, collector.total], [Math.round((20 / 271) * 1e6), Math.round((290 / 541) * 1e6)]);
  assert.not.ok(compared.children.some(({ kind }) => kind === 'idle'));
  assert.is(hottest([compared], 1)[0]?.name, '(garbage collector)');
  const gone = difference(after, fold(readCpuProfile('{"nodes":[],"samples":[],"timeDeltas":[]}'), 'main'));
  assert.equal([gone.before, gone.total, gone.children.length], [1_000_000, 0, 3]);
});

folding('the hottest functions are counted over all callers, waiting left out', () => {
  const root = fold(readCpuProfile(RECORDED), 'main');
  assert.equal(hottest([root, root], 3).map(({ name, self }) => [name, self]), [['(program)', 142], ['publish', 140], ['run', 120]]);
});

folding('the page is whole in itself, and nothing in a name can leave its place', () => {
  const hostile = RECORDED.replaceAll('"publish"', '"</script><img>"');
  const root = fold(readCpuProfile(hostile), '<main>');
  const page = flamePage('Where <the> time goes', 'about', [root]);
  assert.not.match(page, '<img');
  assert.not.match(page, '<main>');
  assert.is(page.match(/<\/script>/g)?.length, 1);
  assert.not.match(page, /(?:src|href)=/);
  assert.not.match(page, /https?:/);
  const data = pageData([root]);
  assert.ok(data.names.includes('</script><img>'));
});

folding.run();
