/** Looks at a node again and again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReadStream, WriteStream } from 'node:tty';
import { askNode } from '../../src/main/ask-node.ts';
import type { NodeStats } from '../../src/main/node-stats.ts';
import { type Snapshot, snapshot } from './rates.ts';
import { FRAME_LINES, type View, screenLines, wholeText } from './screen.ts';
import { Terminal } from './terminal.ts';
import type { TopOptions } from './top-options.ts';
import { viewAfter } from './view-keys.ts';

/** Columns of a text that goes into a file. */
const FILE_WIDTH = 120;

/** Two looks, and what happened in between. Rejects with one sentence. */
export async function lookOnce({ dataDir, intervalMs }: TopOptions, isJson: boolean, width = FILE_WIDTH): Promise<string> {
  const before = await look(dataDir);
  await sleep(intervalMs);
  const shown = snapshot(before, await look(dataDir));
  return isJson ? `${JSON.stringify(shown)}\n` : wholeText(shown, width);
}

/** Until a key ends it. Rejects with one sentence when the node cannot be asked any more; the terminal is given back first. */
export async function watch({ dataDir, intervalMs }: TopOptions, input: ReadStream, output: WriteStream): Promise<void> {
  let before = await look(dataDir);
  let shown: Snapshot = snapshot(undefined, before);
  let view: View = { page: 'queues', sorting: { column: 0, isReversed: false }, scroll: 0 };
  const terminal = new Terminal(input, output);
  const ended = new AbortController();
  const draw = (): void => terminal.draw(screenLines(shown, view, terminal.width, terminal.height));
  const onKey = (key: string): void => {
    const next = viewAfter(key, view, terminal.height - FRAME_LINES);
    if (next === 'quit') return ended.abort();
    view = next;
    draw();
  };
  terminal.open(onKey, draw);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => ended.abort());
  try {
    while (!ended.signal.aborted) {
      draw();
      await sleep(intervalMs, undefined, { signal: ended.signal }).catch(() => {});
      if (ended.signal.aborted) return;
      const now = await look(dataDir);
      shown = snapshot(before, now);
      before = now;
    }
  } finally {
    terminal.close();
  }
}

async function look(dataDir: string): Promise<NodeStats> {
  const reply = await askNode(dataDir, 'stats');
  if ('problem' in reply) throw new Error(reply.problem);
  return reply.answer as NodeStats;
}
