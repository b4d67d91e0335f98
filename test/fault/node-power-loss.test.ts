/**
 * Power losses under a node with traffic: a node that starts on what the device held has every message that a publisher had seen
 * confirmed and no consumer had acknowledged, in order, and none that was never sent.
 *
 * LEVERET_IMAGES: how many images (20 in the test command; for many, run this file by itself). LEVERET_TEST_SEED repeats a run.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FaultyDevice, whyNoDeviceShim } from '../support/device/device-shim.ts';
import { faultsOfNodeImage, recordNode } from '../support/device/node-images.ts';
import type { RecordedNode } from '../support/device/node-images.ts';
import { runSeed } from '../support/seeded-random.ts';

const IMAGES = Number(process.env['LEVERET_IMAGES'] ?? 20);
/** Images of one recorded run. */
const IMAGES_OF_A_RUN = 50;
const CONTROL_IMAGES = 200;
const MESSAGES = 300;

const seed = runSeed();
const power = suite(`power loss under a node (LEVERET_TEST_SEED=${seed})`);

/** The first faults among `count` images, lost anywhere after the first commit. */
async function faultsOf(durability: 'flushed' | 'written', count: number, enough: number): Promise<string[]> {
  const faults: string[] = [];
  let run: RecordedNode | undefined;
  for (let image = 0; image < count && faults.length < enough; image++) {
    if (image % IMAGES_OF_A_RUN === 0) run = await recorded(durability, seed + image);
    const written = run!.log.findIndex((entry) => entry.kind === 'write' && entry.offset > 0);
    const cutFrom = run!.log.findIndex((entry, index) => index > written && (durability === 'written' || (entry.kind === 'write' && entry.reach === 'durable')));
    faults.push(...(await faultsOfNodeImage(run!, seed + image, { cutFrom })));
  }
  return faults;
}

async function recorded(durability: 'flushed' | 'written', runSeedNumber: number): Promise<RecordedNode> {
  const device = FaultyDevice.make();
  try {
    const run = await recordNode(device, durability, MESSAGES, runSeedNumber);
    assert.is(run.ledger.messages.filter(({ confirmedNs }) => confirmedNs < Infinity).length, MESSAGES);
    assert.ok(run.ledger.required(Infinity) > MESSAGES / 4, 'enough of the messages are never acknowledged');
    return run;
  } finally {
    device.remove();
  }
}

const missing = whyNoDeviceShim();
if (missing !== undefined) {
  power('is skipped', () => {
    process.stdout.write(`power loss under a node: skipped, because ${missing}\n`);
  });
} else {
  power('what was confirmed is there', async () => {
    assert.equal(await faultsOf('flushed', IMAGES, Infinity), []);
  });

  power('control: durability `written` loses, and the images find it out', async () => {
    assert.ok((await faultsOf('written', CONTROL_IMAGES, 1)).length > 0);
  });
}

power.run();
