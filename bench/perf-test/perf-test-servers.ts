/** Waits for brokers that are still starting. */
import { nowNs, pause } from '../client/clock.ts';
import { CALLS_ONLY, Connection } from '../client/connection.ts';

const STEP_MS = 200;

/** The addresses where somebody answers, once there are enough of them. Rejects when the time is over or the signal comes. */
export async function serversUp(urls: readonly string[], { seconds, enough }: { readonly seconds: number; readonly enough: number }, signal: AbortSignal): Promise<string[]> {
  const wanted = Math.min(enough, urls.length);
  const endNs = nowNs() + seconds * 1e9;
  const up = new Set<string>();
  for (;;) {
    for (const url of urls) if (up.size < wanted && !up.has(url) && (await answers(url))) up.add(url);
    if (up.size >= wanted) return [...up];
    if (signal.aborted || nowNs() > endNs) throw new Error(`${up.size} of ${wanted} brokers were there within ${seconds} s`);
    await pause(STEP_MS);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await (await Connection.open(url, CALLS_ONLY)).close();
    return true;
  } catch {
    return false;
  }
}
