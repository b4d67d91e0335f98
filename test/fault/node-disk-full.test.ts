/**
 * A node whose device is full (ENOSPC) for a while: it stays alive and tells its publishers to wait (`low on disk`); when there is
 * room again it goes on, and nothing is lost.
 *
 * LEVERET_FULL_DISKS: how many moments (8 in the test command; for many, run this file by itself). LEVERET_TEST_SEED repeats a run.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withinDeadline } from '../support/deadline.ts';
import { FaultyDevice, whyNoDeviceShim } from '../support/device/device-shim.ts';
import type { Fault, FaultyCall } from '../support/device/device-shim.ts';
import { inLanes } from '../support/device/lanes.ts';
import { faultsOfNode } from '../support/device/node-images.ts';
import { endNode, startNodeOn } from '../support/device/node-on-device.ts';
import { nowNs } from '../support/device/timed-ledger.ts';
import { TimedTraffic } from '../support/device/timed-traffic.ts';
import { RawClient } from '../support/raw-client.ts';
import { runSeed } from '../support/seeded-random.ts';
import { StallMeter } from '../support/stall-meter.ts';
import { until } from '../support/traffic.ts';

const MOMENTS = Number(process.env['LEVERET_FULL_DISKS'] ?? 8);
const BEFORE = 40;
const AFTER = 300;
/** Questions for room after the order, among which the first refused one is. */
const QUESTIONS = 8;
/** Writes that make the file longer, likewise: there are few. */
const GROWTHS = 4;
const REASON = 'low on disk';
const CONTROL_ATTEMPTS = 4;
/** From the first refused write to the word to the publishers, milliseconds, without those in which this process could not run. */
const ALARM_MS = 1_000;

const seed = runSeed();
const full = suite(`full device under a node (LEVERET_TEST_SEED=${seed})`);

/**
 * The device is full from the `nth` call of its kind on, until the publishers have been told. What went wrong, in words.
 * `once`, for a control: it is full for that call only, and the test believes that it stays so until all is confirmed.
 */
async function faultsWhenFullAt(call: FaultyCall, nth: number, how: Fault, runSeedNumber: number, extent: 'on' | 'once' = 'on'): Promise<string[]> {
  const device = FaultyDevice.make();
  const { child, broker } = await startNodeOn(device);
  try {
    const traffic = await TimedTraffic.open(broker, runSeedNumber);
    await traffic.publish(BEFORE);
    const stalls = new StallMeter();
    device.order(call, nth, how, extent);
    let refusedNs = Infinity as bigint | number;
    const published = publishUntil(traffic, () => refusedNs < Infinity);
    // When something else goes wrong first, that is what is to be told.
    published.catch(() => undefined);
    refusedNs = await refusal(device, () => traffic.confirmed);
    const isTold = (): boolean => {
      if (traffic.blocked.length === 0) traffic.nudge();
      return traffic.blocked.length > 0;
    };
    await until(isTold, 'the publishers are told to wait', () => traffic.blocked.length);
    const { lostMs } = stalls;
    stalls.end();
    // It serves those who publish nothing.
    const other = await RawClient.connect(broker);
    await other.close();
    if (extent === 'once') await withinDeadline(published, 'all confirms');
    const relievedNs = nowNs();
    device.relieve();
    await until(() => traffic.unblocked > 0, 'the publishers may go on', () => traffic.unblocked);
    await withinDeadline(published, 'all confirms');
    // The journal may have had room until then: what was sent to be told is waited for by nobody else.
    await withinDeadline(traffic.publish(0), 'the confirms of what was sent to be told');
    traffic.drop();
    // Until the publishers were told, the journal may have had room for some: these are on the device.
    const toldNs = traffic.blockedNs ?? refusedNs;
    const hasty = traffic.ledger.messages.filter(({ sentNs, confirmedNs }) => sentNs > toldNs && confirmedNs < relievedNs);
    const alarmMs = Number((traffic.blockedNs ?? 0n) - BigInt(refusedNs)) / 1e6 - lostMs;
    const sent = traffic.ledger.messages.length;
    await endNode(child);
    const faults = [
      ...(traffic.blocked.every((reason) => reason === REASON) ? [] : [`the reason was ${traffic.blocked.join()}`]),
      ...(alarmMs <= ALARM_MS ? [] : [`the alarm came after ${alarmMs} ms`]),
      ...(hasty.length === 0 ? [] : [`${hasty.length} messages were confirmed while the device was full`]),
      ...(traffic.confirmed === sent ? [] : [`${traffic.confirmed} of ${sent} were confirmed${traffic.ended ? `; the connection ended: ${traffic.closedBecause}` : ''}; the node said: ${child.stderr()}`]),
      ...(await faultsOfNode(device.directory, traffic.ledger, Infinity)),
    ];
    return faults.map((fault) => `${call} ${nth} (${how}): ${fault}`);
  } finally {
    await endNode(child);
    device.remove();
  }
}

/** How many messages it takes until the file grows often enough is up to LMDB. */
async function publishUntil(traffic: TimedTraffic, isRefused: () => boolean): Promise<void> {
  do await traffic.publish(AFTER);
  while (!isRefused() && !traffic.ended);
}

/** When the first write was refused. */
async function refusal(device: FaultyDevice, progress: () => number): Promise<bigint> {
  let refusedNs: bigint | undefined;
  const isRefused = (): boolean => {
    refusedNs = device.log().find(({ kind }) => kind === 'fault')?.endNs;
    return refusedNs !== undefined;
  };
  await until(isRefused, 'a write is refused', progress);
  return refusedNs!;
}

const missing = whyNoDeviceShim();
if (missing !== undefined) {
  full('is skipped', () => {
    process.stdout.write(`full device under a node: skipped, because ${missing}\n`);
  });
} else {
  full('the node waits for room, and nothing is lost', async () => {
    const faults = await inLanes(MOMENTS, (moment) => {
      const nth = Math.floor(moment / 2);
      if (moment % 2 === 0) return faultsWhenFullAt('room', 1 + (nth % QUESTIONS), 'ENOSPC', seed + moment);
      return faultsWhenFullAt('growth', 1 + (nth % GROWTHS), 'short', seed + moment);
    });
    assert.equal(faults, []);
  });

  full('the same when a write is refused outright', async () => {
    assert.equal(await inLanes(MOMENTS / 2, (moment) => faultsWhenFullAt('growth', 1 + (moment % GROWTHS), 'ENOSPC', seed + moment)), []);
  });

  full('control: confirms before there is room are found out', async () => {
    const wanted = /messages were confirmed while the device was full/;
    let told = '';
    for (let attempt = 0; attempt < CONTROL_ATTEMPTS && !wanted.test(told); attempt++) {
      // A write that is refused once while the journal has room is of no consequence: then nobody is told, and the wait for that ends.
      const faults = await faultsWhenFullAt('room', 2, 'ENOSPC', seed + attempt, 'once').catch((error: unknown) => [String(error)]);
      told += `${faults.join('\n')}\n`;
    }
    assert.match(told, wanted);
  });

  full('control: a node that ends instead of waiting is found out', async () => {
    // Any other error of a write is one that a node does not outlive.
    const outcome = await faultsWhenFullAt('growth', 1, 'EIO', seed).catch((error: unknown) => [String(error)]);
    assert.ok(outcome.length > 0);
  });
}

full.run();
