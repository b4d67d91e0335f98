/**
 * A node whose device fails to flush (EIO): it confirms nothing that was published afterwards, ends by itself with a clear message
 * and a code other than 0, and the next start has all that was confirmed.
 *
 * LEVERET_FLUSH_FAILURES: how many moments (20 in the test command; for many, run this file by itself). LEVERET_TEST_SEED repeats
 * a run.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withinDeadline } from '../support/deadline.ts';
import { FaultyDevice, whyNoDeviceShim } from '../support/device/device-shim.ts';
import { faultsOfNode, faultsOfNodeImage } from '../support/device/node-images.ts';
import { endNode, startNodeOn } from '../support/device/node-on-device.ts';
import { TimedTraffic } from '../support/device/timed-traffic.ts';
import { runSeed } from '../support/seeded-random.ts';

const FAILURES = Number(process.env['LEVERET_FLUSH_FAILURES'] ?? 20);
const BEFORE = 40;
/** More than any node can take before the flush fails. */
const AFTER = 5_000;
/** Calls after the order, among which one fails. */
const CALLS = 8;
const MESSAGE = 'the store could not commit to';

const seed = runSeed();
const flushing = suite(`flush failure under a node (LEVERET_TEST_SEED=${seed})`);

/** Lets the `nth` call of its kind from some moment on fail. What went wrong, in words. */
async function faultsAfter(call: 'flush' | 'direct', nth: number, runSeedNumber: number): Promise<string[]> {
  const device = FaultyDevice.make();
  const { child, broker } = await startNodeOn(device);
  try {
    const traffic = await TimedTraffic.open(broker, runSeedNumber);
    await traffic.publish(BEFORE);
    device.order(call, nth, 'EIO', 'once');
    await traffic.publish(AFTER);
    const code = await withinDeadline(child.ended, 'the end of the node');
    traffic.drop();
    const log = device.log();
    const failedAt = log.findIndex(({ kind }) => kind === 'fault');
    const failedNs = log[failedAt]?.endNs ?? 0n;
    const late = traffic.ledger.messages.filter(({ sentNs, confirmedNs }) => sentNs > failedNs && confirmedNs < Infinity);
    const faults = [
      ...(failedAt === -1 ? ['no flush failed'] : []),
      ...(typeof code === 'number' && code > 0 ? [] : [`the node ended with ${code}`]),
      ...(child.stderr().includes(MESSAGE) ? [] : [`the node said: ${child.stderr()}`]),
      ...(late.length === 0 ? [] : [`${late.length} messages were confirmed that were sent after the failure`]),
      ...(await faultsOfNode(device.directory, traffic.ledger, Infinity)),
      ...(await faultsOfNodeImage({ log, ledger: traffic.ledger }, runSeedNumber, { cutFrom: log.length - 1 })),
    ];
    return faults.map((fault) => `${call} ${nth}: ${fault}`);
  } finally {
    await endNode(child);
    device.remove();
  }
}

async function faultsAfterEach(call: 'flush' | 'direct'): Promise<string[]> {
  const faults: string[] = [];
  for (let failure = 0; failure < FAILURES; failure++) faults.push(...(await faultsAfter(call, 1 + (failure % CALLS), seed + failure)));
  return faults;
}

const missing = whyNoDeviceShim();
if (missing !== undefined) {
  flushing('is skipped', () => {
    process.stdout.write(`flush failure under a node: skipped, because ${missing}\n`);
  });
} else {
  flushing('the node ends when a flush fails, and nothing that was confirmed is lost', async () => {
    assert.equal(await faultsAfterEach('flush'), []);
  });

  // Not so yet: after a failed write of the meta page the check of the file may refuse the next start (see flush-failure.test.ts).
  flushing.skip('the same when a synchronous write fails', async () => {
    assert.equal(await faultsAfterEach('direct'), []);
  });
}

flushing.run();
