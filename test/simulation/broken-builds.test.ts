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

/** Seeds that have shown a mistake, by how they are run: it must be the mistake that was found, so they pass without it. */
const shownBy = new Map<string, { readonly preloads: readonly string[]; readonly kind: readonly string[]; readonly seeds: number[] }>();

for (const [index, { name, seed, stored, delayed, losses }] of BROKEN_BUILDS.entries()) {
  test(name, async () => {
    const kind = losses === true ? ['losses'] : delayed === true ? ['delayed'] : stored === true ? ['stored'] : [];
    const found = await find(['break-build.ts'], kind, [...(seed === undefined ? [] : [seed]), ...SEEDS], { LEVERET_BROKEN_BUILD: String(index) });
    assert.match(found, /^seed \d+: /, `${SEEDS.length} seeds found nothing`);
    const preloads = [...(stored === true ? ['small-bounds.ts'] : []), ...(delayed === true ? ['small-delays.ts'] : [])];
    const way = [...preloads, ...kind].join();
    if (!shownBy.has(way)) shownBy.set(way, { preloads, kind, seeds: [] });
    shownBy.get(way)!.seeds.push(Number(/^seed (\d+)/.exec(found)![1]));
  });
}

test('the seeds that have shown a mistake pass without it', async () => {
  assert.is([...shownBy.values()].reduce((sum, { seeds }) => sum + seeds.length, 0), BROKEN_BUILDS.length);
  for (const { preloads, kind, seeds } of shownBy.values()) assert.is(await find(preloads, kind, seeds, {}), '');
});

test.run();
