/**
 * Power losses at any moment of a run: what had been confirmed is there when the power is back. The run is recorded once by
 * device-shim.c; images of the device after the loss are rebuilt from the log (power-loss-image.ts).
 *
 * LEVERET_IMAGES: how many images (20 in the test command). LEVERET_TEST_SEED repeats a run.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BARE, BEHIND_JOURNAL, COMMITTED_ALL, JOURNAL, faultOfImage, startCommitting } from '../support/device/committing.ts';
import type { Committed, Manner } from '../support/device/committing.ts';
import { DeviceCache } from '../support/device/device-cache.ts';
import type { DeviceLog } from '../support/device/device-log.ts';
import { FaultyDevice, whyNoDeviceShim } from '../support/device/device-shim.ts';
import { ImageReading } from '../support/device/image-reading.ts';
import type { ImageOptions } from '../support/device/power-loss-image.ts';
import { runSeed } from '../support/seeded-random.ts';

const IMAGES = Number(process.env['LEVERET_IMAGES'] ?? 20);
/** Within so many images a broken build must be found out. */
const CONTROL_IMAGES = 200;
const COMMITS = 40;
/** A short run, so that the one bad moment in it is met often. */
const CONTROL_COMMITS = 10;

const seed = runSeed();
const power = suite(`power loss (LEVERET_TEST_SEED=${seed})`);
const reading = new ImageReading();
power.after(() => reading.close());

/** Runs the workload and answers what the device saw. */
async function record(manner: Manner, commits: number, to: Committed = BARE, prepare: (device: FaultyDevice) => void = () => {}): Promise<DeviceLog> {
  const device = FaultyDevice.make();
  try {
    prepare(device);
    const program = startCommitting(device, manner, commits, to);
    assert.is(await program.ended, COMMITTED_ALL, program.stderr());
    return device.log();
  } finally {
    device.remove();
  }
}

/** The first faults among `count` images. */
async function faultsOf(log: DeviceLog, count: number, enough = Infinity, options: ImageOptions = {}): Promise<string[]> {
  const faults: string[] = [];
  for (let image = 0; image < count && faults.length < enough; image++) {
    const fault = await faultOfImage(log, seed + image, reading, options);
    if (fault !== undefined) faults.push(fault);
  }
  return faults;
}

/** Whether the images find out a broken device or program, once a first commit has returned. */
async function isFoundOut(log: DeviceLog): Promise<boolean> {
  const cutFrom = log.findIndex((entry) => entry.kind === 'mark');
  return (await faultsOf(log, CONTROL_IMAGES, 1, { cutFrom })).length === 1;
}

const missing = whyNoDeviceShim();
if (missing !== undefined) {
  power('is skipped', () => {
    process.stdout.write(`power loss: skipped, because ${missing}\n`);
  });
} else {
  power('the log tells all that happened to the file', async () => {
    const device = FaultyDevice.make();
    try {
      assert.is(await startCommitting(device, 'flushed', COMMITS, JOURNAL).ended, COMMITTED_ALL);
      const cache = new DeviceCache('anything');
      for (const entry of device.log()) cache.take(entry);
      const everything = cache.afterPowerLoss({ write: () => 'all', sector: (size) => size, length: () => true, names: (count) => count });
      for (const file of ['store.mdb', 'store.journal']) assert.ok(everything.get(file)?.equals(readFileSync(join(device.directory, file))), file);
    } finally {
      device.remove();
    }
  });

  for (const namesNeedSyncOf of ['anything', 'directory'] as const) {
    for (const to of [BARE, JOURNAL]) {
      power(`commits that have returned are there, and nothing else (${to.kind}); a name is certain after a flush of ${namesNeedSyncOf}`, async () => {
        const log = await record('flushed', COMMITS, to);
        const cutFrom = log.findIndex((entry) => entry.kind === 'mark');
        assert.equal(await faultsOf(log, IMAGES, Infinity, { namesNeedSyncOf, cutFrom }), []);
      });
    }
  }

  power('most commits go to the journal, each with one flush and nothing else', async () => {
    const log = await record('flushed', COMMITS, JOURNAL);
    const journal = log.findLast((entry) => entry.kind === 'open' && entry.path === 'store.journal');
    assert.ok(journal?.kind === 'open');
    const ofJournal = log.filter((entry) => (entry.kind === 'write' || entry.kind === 'sync') && entry.file === journal.file && entry.startNs > journal.endNs);
    const flushes = ofJournal.filter((entry) => entry.kind === 'sync');
    assert.ok(flushes.length > COMMITS / 2 && flushes.length < COMMITS, `${flushes.length} of ${COMMITS} commits`);
    assert.is(ofJournal.length, 2 * flushes.length);
  });

  for (const to of [BARE, JOURNAL]) {
    power(`a store that was being made when the power was lost can be made again (${to.kind})`, async () => {
      const log = await record('flushed', COMMITS, to);
      const cutTo = log.findIndex((entry) => entry.kind === 'mark');
      assert.equal(await faultsOf(log, IMAGES, Infinity, { cutTo }), []);
    });

    power(`control: durability \`written\` loses, and the images find it out (${to.kind})`, async () => {
      assert.ok(await isFoundOut(await record('written', CONTROL_COMMITS, to)));
    });

    power(`control: a program that confirms before it commits is found out (${to.kind})`, async () => {
      assert.ok(await isFoundOut(await record('hasty', CONTROL_COMMITS, to)));
    });
  }

  // Each commit flushes its pages and then writes, synchronously, the meta page that makes them count.
  for (const call of ['flush', 'direct'] as const) {
    power(`control: a device that hides one ${call === 'flush' ? 'flush of pages' : 'write of a meta page'} is found out`, async () => {
      const log = await record('flushed', CONTROL_COMMITS, BARE, (device) => device.order(call, CONTROL_COMMITS / 2, 'hide', 'once'));
      assert.is(log.filter((entry) => entry.kind === 'fault').length, 1);
      assert.ok(await isFoundOut(log));
    });
  }

  // The third flush is that of the second record.
  power('control: a device that hides one flush of the journal is found out', async () => {
    const log = await record('flushed', CONTROL_COMMITS, JOURNAL, (device) => device.order('flush', 3, 'hide', 'once'));
    assert.is(log.filter((entry) => entry.kind === 'fault').length, 1);
    assert.ok(await isFoundOut(log));
  });

  for (const call of ['flush', 'direct'] as const) {
    power(`control: a device that hides each ${call === 'flush' ? 'flush of pages' : 'write of a meta page'} of the database behind a journal is found out`, async () => {
      const log = await record('flushed', COMMITS, BEHIND_JOURNAL, (device) => device.order(call, 5, 'hide', 'on'));
      assert.ok(log.some((entry) => entry.kind === 'fault'));
      assert.ok(await isFoundOut(log));
    });
  }
}

power.run();
