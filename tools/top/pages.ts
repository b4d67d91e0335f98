/** The pages of the dashboard: what each shows of a snapshot. */
import { supervisionTree } from '../../actors/supervision-tree.ts';
import { formatTree } from '../../actors/supervision-tree-drawing.ts';
import { liveNodes } from '../../src/main/live-tree.ts';
import { count, duration, percent, size } from './amounts.ts';
import type { ConnectionRow, QueueRow, Snapshot, ThreadRow } from './rates.ts';
import { type Column, cut, sorted, tableLines } from './table.ts';

export const PAGES = ['threads', 'queues', 'connections', 'store', 'tree'] as const;
export type PageName = (typeof PAGES)[number];

/** How a page is sorted: the number of a column, from 0. */
export type Sorting = { readonly column: number; readonly isReversed: boolean };

const THREAD_COLUMNS: readonly Column<ThreadRow>[] = [
  { title: 'thread', isName: true, importance: 0, text: ({ name }) => name, order: () => 0 },
  { title: 'busy', importance: 1, text: ({ busy }) => percent(busy), order: ({ busy }) => busy },
  { title: 'heap', importance: 2, text: ({ heapUsedBytes }) => size(heapUsedBytes), order: ({ heapUsedBytes }) => heapUsedBytes },
  { title: 'ring', importance: 3, text: ({ ringFill }) => percent(ringFill), order: ({ ringFill }) => ringFill },
  { title: 'ring max', importance: 4, text: ({ ringFillMost }) => percent(ringFillMost), order: ({ ringFillMost }) => ringFillMost },
];

const QUEUE_COLUMNS: readonly Column<QueueRow>[] = [
  { title: 'ready', importance: 1, text: ({ ready }) => count(ready), order: ({ ready }) => ready },
  { title: 'unsettled', importance: 2, text: ({ unsettled }) => count(unsettled), order: ({ unsettled }) => unsettled },
  { title: 'in/s', importance: 3, text: ({ inRate }) => count(inRate), order: ({ inRate }) => inRate },
  { title: 'out/s', importance: 4, text: ({ outRate }) => count(outRate), order: ({ outRate }) => outRate },
  { title: 'settled/s', importance: 6, text: ({ settleRate }) => count(settleRate), order: ({ settleRate }) => settleRate },
  { title: 'consumers', importance: 5, text: ({ consumers }) => count(consumers), order: ({ consumers }) => consumers },
  { title: 'thread', importance: 7, text: ({ thread }) => String(thread), order: ({ thread }) => thread },
  { title: 'queue', isName: true, importance: 0, text: queueName, order: queueName },
];

const CONNECTION_COLUMNS: readonly Column<ConnectionRow>[] = [
  { title: 'in/s', importance: 2, text: ({ inRate }) => size(inRate), order: ({ inRate }) => inRate },
  { title: 'out/s', importance: 3, text: ({ outRate }) => size(outRate), order: ({ outRate }) => outRate },
  { title: 'unsent', importance: 5, text: ({ unsentBytes }) => size(unsentBytes), order: ({ unsentBytes }) => unsentBytes },
  { title: 'state', importance: 1, text: ({ state }) => state, order: ({ state }) => state },
  { title: 'user', importance: 4, text: ({ user }) => cut(user, 16), order: ({ user }) => user },
  { title: 'vhost', importance: 6, text: ({ vhost }) => cut(vhost, 16), order: ({ vhost }) => vhost },
  { title: 'thread', importance: 7, text: ({ thread }) => String(thread), order: ({ thread }) => thread },
  { title: 'connection', isName: true, importance: 0, text: ({ name }) => name, order: ({ name }) => name },
];

function queueName({ vhost, name }: QueueRow): string {
  return vhost === '/' ? name : `${vhost}/${name}`;
}

/** How many ways there are to sort a page. */
export function columnCount(page: PageName): number {
  return page === 'threads' ? THREAD_COLUMNS.length : page === 'queues' ? QUEUE_COLUMNS.length : page === 'connections' ? CONNECTION_COLUMNS.length : 1;
}

/** Lines of at most `width` columns. */
export function pageLines(page: PageName, snapshot: Snapshot, sorting: Sorting, width: number): string[] {
  const { stats } = snapshot;
  switch (page) {
    case 'threads':
      return sortedTable(THREAD_COLUMNS, snapshot.threads, sorting, width);
    case 'queues':
      return [...sortedTable(QUEUE_COLUMNS, snapshot.queues, sorting, width), ...more(stats.queueCount - snapshot.queues.length, 'queues')];
    case 'connections':
      return [...sortedTable(CONNECTION_COLUMNS, snapshot.connections, sorting, width), ...more(stats.connectionCount - snapshot.connections.length, 'connections')];
    case 'store':
      return storeLines(snapshot).map((line) => cut(line, width));
    case 'tree':
      return formatTree(supervisionTree, { live: liveNodes(stats.tree) })
        .trimEnd()
        .split('\n')
        .map((line) => cut(line, width));
  }
}

function sortedTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], { column, isReversed }: Sorting, width: number): string[] {
  const by = columns[column % columns.length]!;
  return tableLines(columns, sorted(rows, by, isReversed), width, by.title);
}

function more(left: number, what: string): string[] {
  return left > 0 ? [`and ${count(left)} more ${what}`] : [];
}

function storeLines({ store, stats }: Snapshot): string[] {
  return [
    `commits        ${count(store.commitRate)}/s, ${count(stats.commits.commits)} since the node runs`,
    `a commit       ${count(store.changesEach)} changes, ${size(store.bytesEach)}`,
    `takes          p50 ${duration(store.p50Us)}, p99 ${duration(store.p99Us)}`,
    `alarms         ${stats.alarms.length === 0 ? 'none' : stats.alarms.join(', ')}`,
  ];
}
