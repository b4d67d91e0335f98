/**
 * A device that fails to flush (EIO). What it holds then nobody knows, and a second try proves nothing: nothing may be confirmed
 * any more, the program ends with a clear message, and the next start finds all that was confirmed before.
 *
 * LEVERET_FLUSH_FAILURES: how many moments of failure (20 in the test command). LEVERET_TEST_SEED repeats a run.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Committed, Manner } from '../support/device/committing.ts';
import { BARE, BEHIND_JOURNAL, GAVE_UP, JOURNAL, commitsIn, faultOfDatabase, faultOfImage, marksOf, startCommitting } from '../support/device/committing.ts';
import { FaultyDevice, whyNoDeviceShim } from '../support/device/device-shim.ts';
import { ImageReading } from '../support/device/image-reading.ts';
import { runSeed } from '../support/seeded-random.ts';

const FAILURES = Number(process.env['LEVERET_FLUSH_FAILURES'] ?? 20);
const COMMITS = 30;
/** Before it the file is laid out, and has its first commit. */
const FIRST_FLUSH = 3;
/** Writes of the whole workload that make the file longer, at least. */
const GROWTHS = 4;
/** Flushes of the journal, of the whole workload, at least; and commits to the database behind it. */
const JOURNAL_FLUSHES = 18;
const COMMITS_BEHIND = 3;
/** Power losses after each failure. */
const IMAGES = 3;

const seed = runSeed();
const flushing = suite(`flush failure (LEVERET_TEST_SEED=${seed})`);
const reading = new ImageReading();
flushing.after(() => reading.close());

/** Lets the `nth` call of its kind fail. What went wrong, in words. */
async function faultsAfter(call: 'write' | 'flush' | 'direct' | 'growth', nth: number, manner: Manner = 'flushed', to: Committed = BARE): Promise<string[]> {
  const device = FaultyDevice.make();
  try {
    device.order(call, nth, 'EIO', 'once');
    const program = startCommitting(device, manner, COMMITS, to);
    const code = await program.ended;
    const log = device.log();
    const failedAt = log.findIndex((entry) => entry.kind === 'fault');
    const confirmed = commitsIn(marksOf(log));
    const faults: (string | undefined)[] = [
      failedAt === -1 ? 'nothing failed' : undefined,
      code === GAVE_UP ? undefined : `the program ended with ${code}`,
      /Failure: the store could not \S+ .*store\.(mdb|journal): .*(code 5|EIO)/.test(program.stderr()) ? undefined : `it said: ${program.stderr()}`,
      commitsIn(marksOf(log.slice(Math.max(0, failedAt)))) === 0 ? undefined : 'a commit returned after the failure',
      await faultOfDatabase(device.directory, confirmed, reading),
    ];
    for (let image = 0; image < IMAGES; image++) {
      faults.push(await faultOfImage(log, seed + IMAGES * nth + image, reading, { cutFrom: failedAt }));
    }
    return faults.flatMap((fault) => (fault === undefined ? [] : [`${call} ${nth} of ${to.ordered}: ${fault}`]));
  } finally {
    device.remove();
  }
}

const missing = whyNoDeviceShim();
if (missing !== undefined) {
  flushing('is skipped', () => {
    process.stdout.write(`flush failure: skipped, because ${missing}\n`);
  });
} else {
  flushing('nothing is confirmed after a failed flush of pages, and nothing that was confirmed is lost', async () => {
    const faults: string[] = [];
    for (let failure = 0; failure < FAILURES; failure++) faults.push(...(await faultsAfter('flush', FIRST_FLUSH + (failure % (COMMITS - 1)))));
    assert.equal(faults, []);
  });

  // Each commit flushes its pages and then writes, synchronously, the meta page that makes them count. When that write
  // fails, LMDB writes the page again, the old number on the new roots; the next start finds the whole commit and keeps it.
  flushing('the same after a failed flush of the meta page', async () => {
    const faults: string[] = [];
    for (let failure = 0; failure < FAILURES; failure++) faults.push(...(await faultsAfter('direct', 2 + (failure % (COMMITS - 1)))));
    assert.equal(faults, []);
  });

  flushing('the same after a failed write of the zeros that make the file longer', async () => {
    const faults: string[] = [];
    for (let nth = 1; nth <= GROWTHS; nth++) faults.push(...(await faultsAfter('growth', nth)));
    assert.equal(faults, []);
  });

  for (const call of ['write', 'flush'] as const) {
    flushing(`the same after a failed ${call} of the journal`, async () => {
      const faults: string[] = [];
      for (let failure = 0; failure < FAILURES / 2; failure++) faults.push(...(await faultsAfter(call, 1 + (failure % JOURNAL_FLUSHES), 'flushed', JOURNAL)));
      assert.equal(faults, []);
    });
  }

  flushing('the same after a failed flush of the database behind a journal', async () => {
    const faults: string[] = [];
    for (let failure = 0; failure < FAILURES / 2; failure++) {
      const nth = 1 + (failure >> 1) % COMMITS_BEHIND;
      faults.push(...(failure % 2 === 0 ? await faultsAfter('flush', FIRST_FLUSH + nth - 1, 'flushed', BEHIND_JOURNAL) : await faultsAfter('direct', 1 + nth, 'flushed', BEHIND_JOURNAL)));
    }
    assert.equal(faults, []);
  });

  flushing('control: a journal that confirms before it is written is found out', async () => {
    // The record is in the cache; it takes a loss of power to show that it is nowhere else.
    const isFound = (faults: readonly string[]): boolean => faults.some((fault) => /commit \d+ had returned, and commit \d+ is the last one there/.test(fault));
    const faults: string[] = [];
    for (let nth = 2; nth <= JOURNAL_FLUSHES && !isFound(faults); nth++) faults.push(...(await faultsAfter('flush', nth, 'hasty', JOURNAL)));
    assert.ok(isFound(faults), faults.join('\n'));
  });

  flushing('control: a program that confirms before it commits is found out', async () => {
    const faults = await faultsAfter('flush', 5, 'hasty');
    assert.ok(faults.some((fault) => /commit \d+ had returned, and commit \d+ is the last one there/.test(fault)), faults.join('\n'));
  });
}

flushing.run();
