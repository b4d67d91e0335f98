/**
 * One side of a load, in a process of its own: all its producers or all its consumers. It opens them, starts on a signal, and
 * counts what passes during the window. Started by fork only; its orders come over the process channel.
 */
import { performance } from 'node:perf_hooks';
import { callAt, nowNs } from './clock.ts';
import { openConsumers } from './consumers-side.ts';
import { createHistogram, recordLatency, summarizeLatency } from './latency.ts';
import type { Notice, Order, Window } from './orders.ts';
import { openProducers } from './producers-side.ts';
import type { Side } from './side-role.ts';

/** How often a side with a limited number of messages looks whether it is done, ms. */
const DONE_STEP_MS = 20;

function tell(notice: Notice): void {
  if (process.connected) process.send?.(notice);
}

function fail(error: unknown): void {
  tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
}

/** Reads the counters at both ends of the window and divides by the time that really lay between the two readings. */
function countWindow(side: Side, { fromNs, toNs }: Window): void {
  callAt(fromNs, () => {
    const begunNs = nowNs();
    const [before, confirmedBefore] = [side.total(), side.confirmed()];
    callAt(toNs, () => {
      const seconds = (nowNs() - begunNs) / 1e9;
      tell({ kind: 'counted', messages: side.total() - before, confirmed: side.confirmed() - confirmedBefore, seconds });
    });
  });
}

function sendSamples(side: Side, startNs: number, sampleMs: number): void {
  const interval = createHistogram();
  if (side.timed) side.hear((latencyNs) => recordLatency(interval, latencyNs));
  let before = performance.eventLoopUtilization();
  const sample = (): void => {
    const now = performance.eventLoopUtilization();
    const { utilization: utilisation } = performance.eventLoopUtilization(now, before);
    before = now;
    const latency = side.timed ? summarizeLatency(interval) : undefined;
    tell({ kind: 'sample', sample: { atNs: nowNs(), messages: side.total(), confirmed: side.confirmed(), refused: side.refused(), returned: side.returned(), latency, utilisation } });
    interval.reset();
  };
  callAt(startNs, () => {
    sample();
    setInterval(sample, sampleMs);
  });
}

function tellWhenDone(side: Side): void {
  const timer = setInterval(() => {
    if (!side.isDone()) return;
    clearInterval(timer);
    tell({ kind: 'done' });
  }, DONE_STEP_MS);
}

let side: Side | undefined;

async function obey(order: Order): Promise<void> {
  if (order.kind === 'open') {
    const beganNs = nowNs();
    side = await (order.role === 'producers' ? openProducers(order.urls, order.plan, fail) : openConsumers(order.urls, order.plan, fail));
    tell({ kind: 'opened', beganNs });
    return;
  }
  if (side === undefined) throw new Error(`${order.kind} before open`);
  if (order.kind === 'heat') side.heat(order.startNs, order.toNs);
  else if (order.kind === 'run') {
    const { window, sampleMs } = order;
    if (Number.isFinite(window.toNs)) countWindow(side, window);
    if (sampleMs !== undefined) sendSamples(side, window.startNs, sampleMs);
    tellWhenDone(side);
    side.run(window);
  } else if (order.kind === 'total') tell({ kind: 'total', messages: side.total(), confirmed: side.confirmed() });
  else tell({ kind: 'finished', histogram: await side.finish() });
}

process.on('message', (order: Order) => void obey(order).catch(fail));
process.on('uncaughtException', fail);
// The conductor is gone: nobody is left to report to.
process.on('disconnect', () => process.exit());
// Ctrl-C reaches the whole group; the conductor decides what comes of it.
process.on('SIGINT', () => undefined);
