/*
 * Loads the program. Apart from leveret.js, because `import()` is a syntax error to the Nodes that leveret.js must refuse.
 */
'use strict';

const { join, dirname } = require('node:path');
const { enableCompileCache } = require('node:module');
const { pathToFileURL } = require('node:url');

/**
 * Keeps compiled code (and sources without their types) from one start to the next: a start takes a third of the time, and
 * 30 MB less of memory, because nothing has to be stripped. Worker threads learn of it by the variable. Best effort: where
 * the folder cannot be written, everything is compiled anew.
 */
function keepCompiledCode() {
  if (process.env.NODE_COMPILE_CACHE !== undefined || process.env.NODE_DISABLE_COMPILE_CACHE !== undefined) return;
  const folder = join(dirname(__dirname), 'node_modules', '.cache', 'leveret');
  enableCompileCache(folder);
  process.env.NODE_COMPILE_CACHE = folder;
}

exports.enter = function enter(program) {
  keepCompiledCode();
  import(pathToFileURL(program).href).then(
    (cli) => cli.main(),
    (error) => {
      const mend = error.code === 'ERR_MODULE_NOT_FOUND' ? ' (a dependency is missing: run "npm ci" or install the package again)' : '';
      process.stderr.write(`leveret: cannot load ${program}${mend}: ${error.stack ?? error.message}\n`);
      process.exitCode = 1;
    },
  );
};
