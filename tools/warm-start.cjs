/*
 * `npm ci` ends with this: a broker is started once and stopped, so that sources without their types and compiled code are kept
 * (bin/enter.js) and the first start of a user is as quick and as small as every later one. Best effort: whatever goes wrong
 * here, the first start does the same work again. CommonJS, because it may be run by a Node that knows no types.
 */
'use strict';

const { spawn } = require('node:child_process');
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const LIMIT_MS = 20_000;
const LEVERET = join(__dirname, '..', 'bin', 'leveret.js');

function warm() {
  const dataDir = mkdtempSync(join(tmpdir(), 'leveret-warm-'));
  const node = spawn(process.execPath, [LEVERET, 'start', '--port', '0', '--data-dir', dataDir], { stdio: ['ignore', 'pipe', 'ignore'] });
  const limit = setTimeout(() => node.kill('SIGKILL'), LIMIT_MS);
  let said = '';
  node.stdout.on('data', (chunk) => {
    said += chunk;
    if (said.includes('Server startup complete')) node.kill('SIGTERM');
  });
  node.on('error', () => {});
  node.on('close', () => {
    clearTimeout(limit);
    rmSync(dataDir, { recursive: true, force: true });
  });
}

// An installation must not fail because of it: a folder that cannot be written, say.
process.on('uncaughtException', () => process.exit());
warm();
