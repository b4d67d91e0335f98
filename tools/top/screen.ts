/** A whole screen of the dashboard, as lines. */
import { age, count, size } from './amounts.ts';
import { PAGES, type PageName, type Sorting, pageLines } from './pages.ts';
import type { Snapshot } from './rates.ts';
import { cut } from './table.ts';

export type View = { readonly page: PageName; readonly sorting: Sorting; readonly scroll: number };

/** Lines above and below the page itself. */
export const FRAME_LINES = 5;

export function screenLines(snapshot: Snapshot, { page, sorting, scroll }: View, width: number, height: number): string[] {
  const lines = pageLines(page, snapshot, sorting, width);
  const [title = '', ...rows] = lines;
  const room = Math.max(1, height - FRAME_LINES);
  const from = Math.min(scroll, Math.max(0, rows.length - room + 1));
  const tabs = PAGES.map((name, index) => (name === page ? `[${index + 1} ${name}]` : ` ${index + 1} ${name} `)).join('');
  return [
    ...headerLines(snapshot),
    tabs,
    '',
    title,
    ...rows.slice(from, from + room - 1),
  ]
    .slice(0, height - 1)
    .concat('1-5 page   s sort   r reverse   up/down scroll   q quit')
    .map((line) => cut(line, width));
}

/** The node in two lines. */
export function headerLines({ stats, inRate, outRate }: Snapshot): string[] {
  const { queueSums } = stats;
  return [
    `leveret ${stats.version}  up ${age(stats.uptimeMs)}  rss ${size(stats.rssBytes)}  messages ${size(stats.usedBytes)} of ${size(stats.limitBytes)}${stats.alarms.length > 0 ? `  ALARM ${stats.alarms.join(', ')}` : ''}`,
    `${count(stats.connectionCount)} connections  ${count(stats.queueCount)} queues  ready ${count(queueSums.ready)}  unsettled ${count(queueSums.unsettled)}  in ${count(inRate)}/s  out ${count(outRate)}/s`,
  ];
}

/** Every page, one below the other: for a file or a pipe. */
export function wholeText(snapshot: Snapshot, width: number): string {
  const pages = PAGES.flatMap((page) => ['', page, ...pageLines(page, snapshot, { column: 0, isReversed: false }, width)]);
  return `${[...headerLines(snapshot).map((line) => cut(line, width)), ...pages].join('\n')}\n`;
}
