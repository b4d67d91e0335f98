/*
 * Loads the program. Apart from leveret.js, because `import()` is a syntax error to the Nodes that leveret.js must refuse.
 */
'use strict';

const { pathToFileURL } = require('node:url');

exports.enter = function enter(program) {
  import(pathToFileURL(program).href).then(
    (cli) => cli.main(),
    (error) => {
      const mend = error.code === 'ERR_MODULE_NOT_FOUND' ? ' (a dependency is missing: run "npm ci" or install the package again)' : '';
      process.stderr.write(`leveret: cannot load ${program}${mend}: ${error.stack ?? error.message}\n`);
      process.exitCode = 1;
    },
  );
};
