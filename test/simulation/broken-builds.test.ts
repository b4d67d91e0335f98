/** The simulation judged: it finds what is wrong in builds that are wrong on purpose. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BROKEN_BUILDS } from '../support/sim/broken-builds.ts';

const SEEDS = 400;
/** Crashes that a run may have at most, more than where nothing is wrong. */
const FAULTS = '60';
const SIM = join(import.meta.dirname, '../support/sim');
const run = promisify(execFile);
const test = suite('broken builds under simulation');

/** What stands in standard output when the seeds from `first` to `last` are run, with `preload` loaded before. */
async function find(preload: string | undefined, stored: boolean, first: number, last: number, environment: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await run(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', ...(preload === undefined ? [] : ['--import', join(SIM, preload)]), join(SIM, 'find-violation.ts'), String(first), String(last), ...(stored ? ['stored'] : [])],
    { env: { ...process.env, LEVERET_SIM_FAULTS: FAULTS, ...environment } },
  );
  return stdout;
}

for (const [index, { name, stored }] of BROKEN_BUILDS.entries()) {
  test(name, async () => {
    const isStored = stored === true;
    const found = await find('break-build.ts', isStored, 1, SEEDS, { LEVERET_BROKEN_BUILD: String(index) });
    assert.match(found, /^seed \d+: /, `${SEEDS} seeds found nothing`);
    // It must be the mistake that was found: the same seed passes without it.
    const seed = Number(/^seed (\d+)/.exec(found)![1]);
    assert.is(await find(isStored ? 'small-bounds.ts' : undefined, isStored, seed, seed, {}), '');
  });
}

test.run();
