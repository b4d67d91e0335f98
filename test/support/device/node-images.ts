/** Runs a node with traffic on a device, and judges what a new node finds there after a loss of power or a restart. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeviceLog } from './device-log.ts';
import type { FaultyDevice } from './device-shim.ts';
import { drain, endNode, startNodeOn } from './node-on-device.ts';
import { powerLossImage } from './power-loss-image.ts';
import type { ImageOptions } from './power-loss-image.ts';
import { QUEUES, TimedTraffic } from './timed-traffic.ts';
import type { TimedLedger } from './timed-ledger.ts';

export type RecordedNode = { readonly log: DeviceLog; readonly ledger: TimedLedger };

/** A run of a healthy device, ended by force. */
export async function recordNode(device: FaultyDevice, durability: 'flushed' | 'written', messages: number, seed: number): Promise<RecordedNode> {
  const { child, broker } = await startNodeOn(device, durability);
  try {
    const traffic = await TimedTraffic.open(broker, seed);
    await traffic.publish(messages);
    traffic.drop();
    return { log: device.log(), ledger: traffic.ledger };
  } finally {
    await endNode(child);
  }
}

/** What is wrong with the queues of a node that starts on `directory`, when the node before it ended at `momentNs`. */
export async function faultsOfNode(directory: string, ledger: TimedLedger, momentNs: bigint | number): Promise<string[]> {
  const started = await startNodeOn(directory).catch((error: unknown) => String(error));
  if (typeof started === 'string') return [`it does not start: ${started}`];
  try {
    const faults: string[] = [];
    for (const queue of QUEUES) {
      // A queue that is damaged is not served, and says so.
      const bodies = await drain(started.broker, queue).catch((error: unknown) => String(error));
      faults.push(...(typeof bodies === 'string' ? [`queue ${queue} cannot be read: ${bodies}`] : ledger.faultsOf(queue, bodies, momentNs)));
    }
    return faults;
  } finally {
    await endNode(started.child);
  }
}

/** The same after the loss of power that `seed` decides; each fault names the image. */
export async function faultsOfNodeImage({ log, ledger }: RecordedNode, seed: number, options: ImageOptions = {}): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'leveret-image-'));
  try {
    const { lostAtNs, description } = powerLossImage(log, seed, directory, options);
    const faults = await faultsOfNode(directory, ledger, lostAtNs);
    return faults.map((fault) => `${description}, ${ledger.required(lostAtNs)} messages required: ${fault}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
