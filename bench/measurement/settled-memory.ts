/** The resident memory of a broker once it rests. */
import { pause } from '../client/clock.ts';
import { processUsage } from '../peer/process-usage.ts';

/** Memory counts as settled when it has moved by less than this share for so many readings. */
const SETTLED_SHARE = 0.005;
const SETTLED_READINGS = 6;
const READING_INTERVAL_MS = 500;
const READINGS_LIMIT = 60;

/** Bytes; the last reading after the limit, for a broker that never rests. */
export async function settledRss(pid: number): Promise<number> {
  let restedBytes = processUsage(pid).rssBytes;
  for (let reading = 0, calm = 0; reading < READINGS_LIMIT && calm < SETTLED_READINGS; reading += 1) {
    await pause(READING_INTERVAL_MS);
    const { rssBytes } = processUsage(pid);
    calm = Math.abs(rssBytes - restedBytes) <= restedBytes * SETTLED_SHARE ? calm + 1 : 0;
    if (calm === 0) restedBytes = rssBytes;
  }
  return processUsage(pid).rssBytes;
}
