/**
 * A device that is full (ENOSPC) from some write on, until room is made: nothing that was confirmed is lost, the program stays
 * alive and goes on when there is room again.
 *
 * LEVERET_FULL_DISKS: how many moments (20 in the test command). LEVERET_TEST_SEED repeats a run.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Committed, Manner } from '../support/device/committing.ts';
import { BARE, BEHIND_JOURNAL, COMMITTED_ALL, JOURNAL, commitsIn, faultOfDatabase, faultOfImage, marksOf, startCommitting } from '../support/device/committing.ts';
import type { DeviceLog, DeviceRecord } from '../support/device/device-log.ts';
import { FaultyDevice, whyNoDeviceShim } from '../support/device/device-shim.ts';
import type { Fault, FaultyCall } from '../support/device/device-shim.ts';
import { ImageReading } from '../support/device/image-reading.ts';
import { runSeed } from '../support/seeded-random.ts';
import { until } from '../support/traffic.ts';

const MOMENTS = Number(process.env['LEVERET_FULL_DISKS'] ?? 20);
const COMMITS = 30;
/** Questions for room: the first two are asked when the database is opened, and by the first commit. */
const FIRST_QUESTION = 3;
const QUESTIONS = 9;
/** Those of the database behind a journal, which is asked less often. */
const QUESTIONS_BEHIND = 2;
const GROWTHS_BEHIND = 2;
/** Writes to the journal, of the whole workload, at least. */
const JOURNAL_WRITES = 16;
/** Growing writes of the whole workload, at least. All of them are the disk's, ahead of LMDB. */
const GROWTHS = 4;
const IMAGES = 3;
/** Records after the first refusal, among which the power is lost. */
const CUTS = 6;

const seed = runSeed();
const full = suite(`full device (LEVERET_TEST_SEED=${seed})`);
const reading = new ImageReading();
full.after(() => reading.close());

/** The device is full from the `nth` call of its kind on. What went wrong, in words. */
async function faultsWhenFullAt(call: FaultyCall, nth: number, how: Fault, manner: Manner = 'flushed', to: Committed = BARE): Promise<string[]> {
  const device = FaultyDevice.make();
  try {
    device.order(call, nth, how, 'on');
    const program = startCommitting(device, manner, COMMITS, to);
    const fulls = (): number => marksOf(device.log()).filter((mark) => mark === 'full').length;
    await Promise.race([program.ended, until(() => fulls() >= 2, 'the program finds the device full', fulls)]);
    const fullSeen = fulls();
    device.relieve();
    const code = await program.ended;
    const log = device.log();
    const faults: (string | undefined)[] = [
      fullSeen >= 2 ? undefined : 'the program did not find the device full',
      code === COMMITTED_ALL ? undefined : `the program ended with ${code}: ${program.stderr()}`,
      commitsIn(marksOf(log)) === COMMITS ? undefined : `only ${commitsIn(marksOf(log))} commits returned`,
      await faultOfDatabase(device.directory, COMMITS, reading),
    ];
    const fullAt = log.findIndex((entry) => entry.kind === 'fault');
    for (let image = 0; image < IMAGES; image++) faults.push(await faultOfImage(log, seed + IMAGES * nth + image, reading, { cutFrom: fullAt, cutTo: fullAt + CUTS }));
    return faults.flatMap((fault) => (fault === undefined ? [] : [`${call} ${nth} (${how}): ${fault}`]));
  } finally {
    device.remove();
  }
}

/** Indices of the writes that made their file longer. */
function growingWrites(log: DeviceLog): number[] {
  const sizes = new Map<bigint, number>();
  return log.flatMap((entry, index) => {
    if (entry.kind !== 'write') return [];
    const end = entry.offset + entry.bytes.length;
    if (end <= (sizes.get(entry.file) ?? 0)) return [];
    sizes.set(entry.file, end);
    return [index];
  });
}

function isZeros(record: DeviceRecord): boolean {
  return record.kind === 'write' && record.bytes.every((byte) => byte === 0);
}

const missing = whyNoDeviceShim();
if (missing !== undefined) {
  full('is skipped', () => {
    process.stdout.write(`full device: skipped, because ${missing}\n`);
  });
} else {
  full('commits wait for room, and nothing is lost', async () => {
    const faults: string[] = [];
    for (let moment = 0; moment < MOMENTS; moment++) {
      const nth = Math.floor(moment / 2);
      faults.push(...(await (moment % 2 === 0 ? faultsWhenFullAt('room', FIRST_QUESTION + (nth % QUESTIONS), 'ENOSPC') : faultsWhenFullAt('growth', 1 + (nth % GROWTHS), 'short'))));
    }
    assert.equal(faults, []);
  });

  full('the same when a write is refused outright', async () => {
    const faults: string[] = [];
    for (let moment = 0; moment < MOMENTS / 2; moment++) faults.push(...(await faultsWhenFullAt('growth', 1 + (moment % GROWTHS), 'ENOSPC')));
    assert.equal(faults, []);
  });

  full('the same behind a journal', async () => {
    const faults: string[] = [];
    for (let moment = 0; moment < MOMENTS / 4; moment++) {
      const nth = Math.floor(moment / 2);
      const question = (): Promise<string[]> => faultsWhenFullAt('room', FIRST_QUESTION + (nth % QUESTIONS_BEHIND), 'ENOSPC', 'flushed', BEHIND_JOURNAL);
      const growth = (): Promise<string[]> => faultsWhenFullAt('growth', 1 + (nth % GROWTHS_BEHIND), nth % 2 === 0 ? 'short' : 'ENOSPC', 'flushed', BEHIND_JOURNAL);
      faults.push(...(await (moment % 2 === 0 ? question() : growth())));
    }
    assert.equal(faults, []);
  });

  // As on a file system that writes nothing in place. The record may be there in part, and the next one is another.
  full('the same when a write to the journal is refused', async () => {
    const faults: string[] = [];
    for (let moment = 0; moment < MOMENTS / 2; moment++) faults.push(...(await faultsWhenFullAt('write', 1 + (moment % JOURNAL_WRITES), moment % 2 === 0 ? 'short' : 'ENOSPC', 'flushed', JOURNAL)));
    assert.equal(faults, []);
  });

  // So a refused write never meets LMDB, neither of pages nor of a meta page: both go where the file has blocks already.
  full('whatever makes the file longer is zeros of the disk, and LMDB writes within them', async () => {
    const device = FaultyDevice.make();
    try {
      assert.is(await startCommitting(device, 'flushed', COMMITS).ended, COMMITTED_ALL);
      const log = device.log();
      const made = log.findIndex((entry) => entry.kind === 'rename' && entry.to === 'store.mdb');
      const growths = growingWrites(log).filter((index) => index > made);
      assert.ok(made >= 0 && growths.length >= GROWTHS, `${growths.length} growing writes`);
      assert.equal(growths.filter((index) => !isZeros(log[index]!)), []);
    } finally {
      device.remove();
    }
  });

  full('control: a program that confirms before it commits is found out', async () => {
    const faults: string[] = [];
    for (let nth = FIRST_QUESTION; nth < FIRST_QUESTION + 2; nth++) faults.push(...(await faultsWhenFullAt('room', nth, 'ENOSPC', 'hasty')));
    assert.ok(faults.some((fault) => fault.includes('is the last one there')), faults.join('\n'));
  });
}

full.run();
