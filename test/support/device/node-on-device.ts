/** A node whose data directory plays the device, and what its queues hold. */
import { join } from 'node:path';
import { startChild } from '../../main/support/child.ts';
import type { Child } from '../../main/support/child.ts';
import type { TestBroker } from '../broker.ts';
import { RawClient } from '../raw-client.ts';
import { decodeFields } from '../raw-bytes.ts';
import { METHODS } from '../raw-methods.ts';
import type { FaultyDevice } from './device-shim.ts';

const LAUNCHER = join(import.meta.dirname, '../../../bin/leveret.js');
const STARTED = 'Server startup complete\n';
/** The files of the store that orders of faults apply to. */
export type OrderedFiles = '.mdb' | '.journal';

export type DeviceNode = { readonly child: Child; readonly broker: TestBroker };

/** Starts a node on a plain directory, or on a device that is recorded. Rejects with what it said when it does not start. */
export async function startNodeOn(place: string | FaultyDevice, durability: 'flushed' | 'written' = 'flushed', ordered: OrderedFiles = '.mdb'): Promise<DeviceNode> {
  const directory = typeof place === 'string' ? place : place.directory;
  const environment = typeof place === 'string' ? {} : place.environment(ordered);
  const options = ['--port', '0', '--data-dir', directory, '--durability', durability, '--schedulers', '1', '--log-level', 'error'];
  const child = startChild(process.execPath, [LAUNCHER, 'start', ...options], environment);
  await child.said(STARTED);
  const port = Number(/amqp:\/\/127\.0\.0\.1:(\d+)/.exec(child.stdout())?.[1]);
  const close = async (): Promise<void> => void (await endNode(child));
  return { child, broker: { url: `amqp://127.0.0.1:${port}`, host: '127.0.0.1', port, user: 'guest', password: 'guest', close } };
}

/** Ends a node without a chance to tidy up. */
export async function endNode(child: Child): Promise<void> {
  child.process.kill('SIGKILL');
  await child.ended;
}

export function nameOf(queue: number): string {
  return `device-${queue}`;
}

/** All bodies of a queue, in order; undefined when there is no such queue. The queue is empty afterwards. */
export async function drain(broker: TestBroker, queue: number): Promise<Buffer[] | undefined> {
  const client = await RawClient.connect(broker);
  try {
    const channel = await client.openChannel();
    channel.send('queue.declare', { queue: nameOf(queue), passive: true });
    const declared = await channel.inbox.take('the answer to queue.declare');
    if (declared.name !== 'queue.declare-ok') return undefined;
    const { messageCount } = decodeFields(METHODS['queue.declare-ok'][2], declared.arguments);
    for (let each = 0; each < messageCount; each++) channel.send('basic.get', { queue: nameOf(queue), noAck: true });
    const bodies: Buffer[] = [];
    while (bodies.length < messageCount) bodies.push((await channel.expectContent('basic.get-ok')).body);
    return bodies;
  } finally {
    client.drop();
  }
}
