/** The client's own ceiling: what its two processes reach against a server that drops publishes and invents deliveries. */
import { conduct, type Timing } from '../client/conduct.ts';
import { BrokerProcess } from '../peer/broker-process.ts';
import type { Load } from '../scenario/load.ts';
import { siblingFile } from '../sibling.ts';

const SERVER_FILE = siblingFile(import.meta.url, '../sink/server');
const START_LIMIT_MS = 10_000;

export type SinkMode = 'forward' | 'invent';

/** Starts the sink for one load and ends it again. */
export async function withSink<Result>(mode: SinkMode, load: Load, use: (url: string) => Promise<Result>): Promise<Result> {
  const bodyBytes = mode === 'invent' ? [String(load.bodyBytes)] : [];
  const server = new BrokerProcess(process.execPath, ['--disable-warning=ExperimentalWarning', SERVER_FILE, ...bodyBytes], process.env);
  try {
    return await use((await server.find(/amqp:\S+/, START_LIMIT_MS))[0]);
  } finally {
    await server.stop();
  }
}

/** Messages a second that arrive. */
export function clientCeiling(load: Load, timing: Timing): Promise<number> {
  return withSink('invent', load, async (url) => (await conduct(url, load, timing)).receivedPerSecond);
}
