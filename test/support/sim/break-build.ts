/** Loaded before a program: the sources it then loads are those of the broken build that `LEVERET_BROKEN_BUILD` numbers. */
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { BROKEN_BUILDS } from './broken-builds.ts';

const ROOT = join(import.meta.dirname, '../../..');
const build = BROKEN_BUILDS[Number(process.env['LEVERET_BROKEN_BUILD'])];
if (build === undefined) throw new Error(`there is no broken build ${process.env['LEVERET_BROKEN_BUILD']}`);
const url = pathToFileURL(join(ROOT, build.file)).href;

registerHooks({
  load(loaded, context, nextLoad) {
    const result = nextLoad(loaded, context);
    if (loaded !== url) return result;
    const source = String(result.source);
    if (!source.includes(build.right)) throw new Error(`${build.file} does not contain what is to be broken: ${build.right}`);
    return { ...result, source: source.replace(build.right, build.wrong) };
  },
});
