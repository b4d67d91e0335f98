/** Loaded before a program: the sources it then loads are those of the broken build that `LEVERET_BROKEN_BUILD` numbers. */
import { BROKEN_BUILDS } from './broken-builds.ts';
import { changeSources } from './changed-sources.ts';

const build = BROKEN_BUILDS[Number(process.env['LEVERET_BROKEN_BUILD'])];
if (build === undefined) throw new Error(`there is no broken build ${process.env['LEVERET_BROKEN_BUILD']}`);
changeSources([build]);
if (build.stored) await import('./small-bounds.ts');
if (build.delayed) await import('./small-delays.ts');
