/**
 * A node whose device fails to flush (EIO): it confirms nothing that was published afterwards, ends by itself with a clear message
 * and a code other than 0, and the next start has all that was confirmed.
 *
 * LEVERET_FLUSH_FAILURES: how many moments (5 in the test command, each once; for many, run this file by itself).
 * LEVERET_TEST_SEED repeats a run.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withinDeadline } from '../support/deadline.ts';
import { inLanes } from '../support/device/lanes.ts';
import { FaultyDevice, whyNoDeviceShim } from '../support/device/device-shim.ts';
import { faultsOfNode, faultsOfNodeImage } from '../support/device/node-images.ts';
import type { RecordedNode } from '../support/device/node-images.ts';
import { endNode, startNodeOn } from '../support/device/node-on-device.ts';
import type { OrderedFiles } from '../support/device/node-on-device.ts';
import { TimedTraffic } from '../support/device/timed-traffic.ts';
import { runSeed } from '../support/seeded-random.ts';

/** Calls after the order, among which one fails. */
const CALLS = 5;
const FAILURES = Number(process.env['LEVERET_FLUSH_FAILURES'] ?? CALLS);
const BEFORE = 40;
/** More than any node can take before the flush fails. */
const AFTER = 5_000;
/** Of a control: messages published meanwhile, and losses of power until one of them must be found out. */
const CONTROL_AFTER = 200;
const CONTROL_IMAGES = 40;
const MESSAGE = 'the store could not commit to';

type Call = 'write' | 'flush' | 'direct';

const seed = runSeed();
const flushing = suite(`flush failure under a node (LEVERET_TEST_SEED=${seed})`);

/** Lets the `nth` call of its kind from some moment on fail. What went wrong, in words, with the node, and after a restart. */
async function faultsAfter(call: Call, ordered: OrderedFiles, nth: number, runSeedNumber: number): Promise<string[]> {
  const device = FaultyDevice.make();
  const { child, broker } = await startNodeOn(device, 'flushed', ordered);
  try {
    const traffic = await TimedTraffic.open(broker, runSeedNumber);
    await traffic.publish(BEFORE);
    device.order(call, nth, 'EIO', 'once');
    await traffic.publish(AFTER);
    const code = await withinDeadline(child.ended, 'the end of the node');
    traffic.drop();
    const run = { log: device.log(), ledger: traffic.ledger };
    const faults = [
      ...(typeof code === 'number' && code > 0 ? [] : [`the node ended with ${code}`]),
      ...(child.stderr().includes(MESSAGE) ? [] : [`the node said: ${child.stderr()}`]),
      ...lateConfirms(run),
      ...(await faultsOfNode(device.directory, traffic.ledger, Infinity)),
      ...(await faultsOfNodeImage(run, runSeedNumber, { cutFrom: run.log.length - 1 })),
    ];
    return faults.map((fault) => `${call} ${nth} of ${ordered}: ${fault}`);
  } finally {
    await endNode(child);
    device.remove();
  }
}

function faultsAfterEach(call: Call, ordered: OrderedFiles): Promise<string[]> {
  return inLanes(FAILURES, (failure) => faultsAfter(call, ordered, 1 + (failure % CALLS), seed + failure));
}

/** The same questions to a node that learns nothing of the failure, because the device hides it. */
async function faultsWhenHidden(call: Call, ordered: OrderedFiles): Promise<string[]> {
  const device = FaultyDevice.make();
  const { child, broker } = await startNodeOn(device, 'flushed', ordered);
  try {
    const traffic = await TimedTraffic.open(broker, seed);
    await traffic.publish(BEFORE);
    device.order(call, 1, 'hide', 'on');
    await traffic.publish(CONTROL_AFTER);
    traffic.drop();
    const run = { log: device.log(), ledger: traffic.ledger };
    const cutFrom = run.log.findIndex(({ kind }) => kind === 'fault');
    const faults: string[] = [];
    for (let image = 0; image < CONTROL_IMAGES && faults.length === 0; image++) {
      faults.push(...(await faultsOfNodeImage(run, seed + image, { cutFrom }).catch((error: unknown) => [String(error)])));
    }
    return [...lateConfirms(run), ...faults];
  } finally {
    await endNode(child);
    device.remove();
  }
}

/** Confirms of messages that were sent after the first failure. */
function lateConfirms({ log, ledger }: RecordedNode): string[] {
  const failedNs = log.find(({ kind }) => kind === 'fault')?.endNs;
  if (failedNs === undefined) return ['no flush failed'];
  const late = ledger.messages.filter(({ sentNs, confirmedNs }) => sentNs > failedNs && confirmedNs < Infinity);
  return late.length === 0 ? [] : [`${late.length} messages were confirmed that were sent after the failure`];
}

const missing = whyNoDeviceShim();
if (missing !== undefined) {
  flushing('is skipped', () => {
    process.stdout.write(`flush failure under a node: skipped, because ${missing}\n`);
  });
} else {
  flushing('the node ends when a flush fails, and nothing that was confirmed is lost', async () => {
    assert.equal(await faultsAfterEach('flush', '.journal'), []);
  });

  flushing('the same when a write to the journal fails', async () => {
    assert.equal(await faultsAfterEach('write', '.journal'), []);
  });

  flushing('the same when a flush of the database behind it fails', async () => {
    assert.equal(await faultsAfterEach('flush', '.mdb'), []);
  });

  flushing('the same when a synchronous write fails', async () => {
    assert.equal(await faultsAfterEach('direct', '.mdb'), []);
  });

  for (const [call, ordered] of [
    ['flush', '.journal'],
    ['flush', '.mdb'],
    ['direct', '.mdb'],
  ] as const) {
    flushing(`control: a device that hides each failed ${call === 'flush' ? 'flush' : 'synchronous write'} of ${ordered} is found out`, async () => {
      const [late, lost] = await faultsWhenHidden(call, ordered);
      assert.match(late ?? '', /messages were confirmed that were sent after the failure/);
      assert.is.not(lost, undefined, 'no loss of power has harmed what was confirmed');
    });
  }
}

flushing.run();
