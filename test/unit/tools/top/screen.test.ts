import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { commitPercentileUs } from '../../../../src/main/commit-meter.ts';
import type { NodeStats, QueueLook } from '../../../../src/main/node-stats.ts';
import { age, count, duration, size } from '../../../../tools/top/amounts.ts';
import { PAGES } from '../../../../tools/top/pages.ts';
import { snapshot } from '../../../../tools/top/rates.ts';
import { type View, screenLines, wholeText } from '../../../../tools/top/screen.ts';
import { keysOf } from '../../../../tools/top/terminal.ts';
import { viewAfter } from '../../../../tools/top/view-keys.ts';

const top = suite('the dashboard');

const ZERO = { ready: 0, unsettled: 0, consumers: 0, accepted: 0, delivered: 0, redelivered: 0, settled: 0, dropped: 0 };
const queue = (name: string, counts: Partial<QueueLook> = {}): QueueLook => ({ vhost: '/', name, thread: 1, ...ZERO, ...counts });
const supervisor = { state: 'running', children: [] } as unknown as NodeStats['tree']['root'];

function stats(changes: Partial<NodeStats>): NodeStats {
  return {
    version: '1.2.3',
    atMs: 1_000,
    uptimeMs: 61_000,
    rssBytes: 110 * 1024 * 1024,
    usedBytes: 0,
    limitBytes: 1024 ** 3,
    alarms: [],
    threads: [
      { name: 'main', number: 0, usage: { activeMs: 10, idleMs: 90, heapUsedBytes: 1e7, heapLimitBytes: 4e9 } },
      { name: 'scheduler-1', number: 1, usage: { activeMs: 50, idleMs: 50, heapUsedBytes: 2e7, heapLimitBytes: 4e9 } },
    ],
    rings: [{ from: 0, to: 1, capacityBytes: 1000, usedBytes: 250, highWaterBytes: 800, records: 5, bytes: 50 }],
    queueCount: 0,
    queueSums: ZERO,
    queues: [],
    connectionCount: 0,
    connections: [],
    commits: { commits: 0, changes: 0, bytes: 0, buckets: [] },
    tree: { root: supervisor, queues: supervisor, listener: supervisor, main: [], store: [], threads: [] },
    ...changes,
  };
}

const view = (page: View['page'], changes: Partial<View> = {}): View => ({ page, sorting: { column: 0, isReversed: false }, scroll: 0, ...changes });
const NAMES = ['a', 'b', 'ein Name mit Umläuten und noch viel mehr, der nirgends Platz hat, so lang ist er geworden'];

top('rates are the difference of two looks, over 32 bits of messages and over a replaced thread', () => {
  const before = stats({ queues: [queue('q', { accepted: 0x7fff_fff0, delivered: 5 })], queueSums: { ...ZERO, accepted: 0x7fff_fff0, delivered: 5 } });
  const now = stats({
    atMs: 3_000,
    queues: [queue('q', { accepted: -0x7fff_fff0, delivered: 25 }), queue('new', { accepted: 1_000 })],
    queueSums: { ...ZERO, accepted: -0x7fff_fff0, delivered: 25 },
    threads: [
      { name: 'main', number: 0, usage: { activeMs: 60, idleMs: 140, heapUsedBytes: 1, heapLimitBytes: 2 } },
      { name: 'scheduler-1', number: 1, usage: { activeMs: 30, idleMs: 10, heapUsedBytes: 1, heapLimitBytes: 2 } },
    ],
  });
  const shown = snapshot(before, now);
  assert.equal(shown.queues.map(({ inRate, outRate }) => [inRate, outRate]), [[16, 10], [0, 0]]);
  assert.equal([shown.inRate, shown.outRate], [16, 10]);
  assert.equal(shown.threads.map(({ busy }) => busy), [0.5, 0.75]);
  assert.equal(shown.threads.map(({ ringFill, ringFillMost }) => [ringFill, ringFillMost]), [[0, 0], [0.25, 0.8]]);
});

top('the store shows the commits of the interval alone', () => {
  const buckets = (fast: number, slow: number): number[] => Array.from({ length: 100 }, (_, bucket) => (bucket === 31 ? fast : bucket === 47 ? slow : 0));
  const before = stats({ commits: { commits: 1_000, changes: 1_000, bytes: 1_000, buckets: buckets(0, 1_000) } });
  const now = stats({ atMs: 2_000, commits: { commits: 1_100, changes: 1_400, bytes: 11_000, buckets: buckets(98, 1_002) } });
  const { store } = snapshot(before, now);
  assert.equal(store, { commitRate: 100, changesEach: 4, bytesEach: 100, p50Us: 256, p99Us: 4_096 });
  assert.is(commitPercentileUs([], 0.5), 0);
});

top('every page keeps to the width and the height of the terminal', () => {
  const queues = Array.from({ length: 60 }, (_, index) => queue(`${NAMES[index % 3]} ${index}`, { ready: index, unsettled: 123_456_789 }));
  const connections = queues.map(({ name }) => ({ name, user: 'guest\u001b[31m', vhost: '/', state: 'flow' as const, receivedBytes: 0, sentBytes: 0, unsentBytes: 5e9, thread: 1 }));
  const shown = snapshot(undefined, stats({ queues, queueCount: 1_000, connections, connectionCount: 60, alarms: ['low on memory', 'low on disk'] }));
  for (const page of PAGES) {
    for (const [width, height] of [[80, 24], [40, 10], [20, 6], [200, 60]] as const) {
      const lines = screenLines(shown, view(page, { scroll: 5 }), width, height);
      assert.ok(lines.length <= height, `${page}: ${lines.length} lines of ${height}`);
      for (const line of lines) {
        assert.ok(line.length <= width, `${page}: ${line.length} columns of ${width}: ${line}`);
        assert.not.match(line, '\u001b');
      }
    }
  }
  const narrow = screenLines(shown, view('queues'), 40, 24).join('\n');
  assert.match(narrow, 'ready');
  assert.not.match(narrow, 'settled/s');
  assert.match(wholeText(shown, 80), 'and 940 more queues');
});

top('a column sorts, from high to low, and the other way round', () => {
  const shown = snapshot(undefined, stats({ queues: [queue('b', { ready: 2, unsettled: 1 }), queue('c', { ready: 3 }), queue('a', { ready: 1, unsettled: 9 })] }));
  const names = (changes: Partial<View['sorting']>): string[] =>
    screenLines(shown, view('queues', { sorting: { column: 0, isReversed: false, ...changes } }), 80, 24)
      .slice(5, 8)
      .map((line) => line.slice(-1));
  assert.equal(names({}), ['c', 'b', 'a']);
  assert.equal(names({ isReversed: true }), ['a', 'b', 'c']);
  assert.equal(names({ column: 1 }), ['a', 'b', 'c']);
  assert.equal(names({ column: 7 }), ['a', 'b', 'c']);
});

top('keys', () => {
  assert.equal(keysOf('q\u001b[A2\u001b[6~\u0003'), ['q', '\u001b[A', '2', '\u001b[6~', '\u0003']);
  const start = view('queues');
  assert.equal(['q', '\u0003', '\u001b'].map((key) => viewAfter(key, start, 10)), ['quit', 'quit', 'quit']);
  assert.equal(viewAfter('x', start, 10), start);
  assert.equal(viewAfter('\t', view('tree'), 10), view('threads'));
  assert.equal(viewAfter('3', view('queues', { scroll: 7 }), 10), view('connections'));
  assert.equal(viewAfter('9', start, 10), start);
  assert.equal((viewAfter('s', start, 10) as View).sorting.column, 1);
  assert.equal((viewAfter('\u001b[A', start, 10) as View).scroll, 0);
  assert.equal((viewAfter('\u001b[6~', start, 10) as View).scroll, 10);
});

top('amounts are short', () => {
  assert.equal([0, 9_999, 10_000, 123_456, 2_500_000, 4e9].map(count), ['0', '9,999', '10.0k', '123k', '2.50M', '4.00G']);
  assert.equal([0, 1_023, 1_536, 5e9].map(size), ['0 B', '1023 B', '1.50 KiB', '4.66 GiB']);
  assert.equal([0, 230, 1_234, 3.4e6].map(duration), ['-', '230 us', '1.2 ms', '3.4 s']);
  assert.equal([5e3, 65e3, 3_665e3, 90_000e3].map(age), ['5 s', '1 m 5 s', '1 h 1 m', '1 d 1 h']);
});

top.run();
