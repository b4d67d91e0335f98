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

/** What stands in standard output when the seeds from `first` to `last` are run, with `preloads` loaded before. */
async function find(preloads: readonly string[], kind: readonly string[], first: number, last: number, environment: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await run(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', ...preloads.flatMap((preload) => ['--import', join(SIM, preload)]), join(SIM, 'find-violation.ts'), String(first), String(last), ...kind],
    { env: { ...process.env, LEVERET_SIM_FAULTS: FAULTS, ...environment } },
  );
  return stdout;
}

for (const [index, { name, stored, delayed, losses }] of BROKEN_BUILDS.entries()) {
  test(name, async () => {
    const kind = losses === true ? ['losses'] : delayed === true ? ['delayed'] : stored === true ? ['stored'] : [];
    const bounds = [...(stored === true ? ['small-bounds.ts'] : []), ...(delayed === true ? ['small-delays.ts'] : [])];
    const found = await find(['break-build.ts'], kind, 1, SEEDS, { LEVERET_BROKEN_BUILD: String(index) });
    assert.match(found, /^seed \d+: /, `${SEEDS} seeds found nothing`);
    // It must be the mistake that was found: the same seed passes without it.
    const seed = Number(/^seed (\d+)/.exec(found)![1]);
    assert.is(await find(bounds, kind, seed, seed, {}), '');
  });
}

test.run();
