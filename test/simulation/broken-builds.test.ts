/** The simulation judged: it finds what is wrong in builds that are wrong on purpose. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BROKEN_BUILDS } from '../support/sim/broken-builds.ts';

/** Beside the one that has shown the mistake before. */
const SEEDS = Array.from({ length: 400 }, (_, index) => index + 1);
/** Crashes that a run may have at most, more than where nothing is wrong. */
const FAULTS = '60';
const SIM = join(import.meta.dirname, '../support/sim');
const run = promisify(execFile);
const test = suite('broken builds under simulation');

/** What stands in standard output when these seeds are run, with `preloads` loaded before. */
async function find(preloads: readonly string[], kind: readonly string[], seeds: readonly number[], environment: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await run(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', ...preloads.flatMap((preload) => ['--import', join(SIM, preload)]), join(SIM, 'find-violation.ts'), seeds.join(), ...kind],
    { env: { ...process.env, LEVERET_SIM_FAULTS: FAULTS, ...environment } },
  );
  return stdout;
}

for (const [index, { name, seed: shown, stored, delayed, losses }] of BROKEN_BUILDS.entries()) {
  test(name, async () => {
    const kind = losses === true ? ['losses'] : delayed === true ? ['delayed'] : stored === true ? ['stored'] : [];
    const bounds = [...(stored === true ? ['small-bounds.ts'] : []), ...(delayed === true ? ['small-delays.ts'] : [])];
    const found = await find(['break-build.ts'], kind, [...(shown === undefined ? [] : [shown]), ...SEEDS], { LEVERET_BROKEN_BUILD: String(index) });
    assert.match(found, /^seed \d+: /, `${SEEDS.length} seeds found nothing`);
    // It must be the mistake that was found: the same seed passes without it.
    const seed = Number(/^seed (\d+)/.exec(found)![1]);
    assert.is(await find(bounds, kind, [seed], {}), '');
  });
}

test.run();
