/** The simulation judged: it finds what is wrong in builds that are wrong on purpose. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BROKEN_BUILDS } from '../support/sim/broken-builds.ts';

const SEEDS = 400;
const SIM = join(import.meta.dirname, '../support/sim');
const run = promisify(execFile);
const test = suite('broken builds under simulation');

for (const [index, { name, stored }] of BROKEN_BUILDS.entries()) {
  test(name, async () => {
    const { stdout } = await run(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--import', join(SIM, 'break-build.ts'), join(SIM, 'find-violation.ts'), String(SEEDS), ...(stored ? ['stored'] : [])],
      { env: { ...process.env, LEVERET_BROKEN_BUILD: String(index) } },
    );
    assert.match(stdout, /^seed \d+: /, `${SEEDS} seeds found nothing`);
  });
}

test.run();
