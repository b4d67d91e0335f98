#!/usr/bin/env node
/*
 * The door of the program. This file is plain old JavaScript, so that every Node can parse it and an old one gets a
 * sentence instead of a syntax error. It decides which Node runs what:
 *
 *   in a clone (sources beside it)    the sources, on this Node if it is new enough, else on the pinned one of node_modules
 *   in the installed package          what was compiled into dist/, on this Node
 *
 * The program is tools/cli, the broker and what stands beside it; where the tools are left out, src/main/cli, the broker alone.
 */
'use strict';

var fs = require('fs');
var path = require('path');

var SOURCES = path.join(__dirname, '..', 'src', 'main', 'cli.ts');
var COMPILED = path.join(__dirname, '..', 'dist', 'src', 'main', 'cli.js');
var SOURCES_WITH_TOOLS = path.join(__dirname, '..', 'tools', 'cli.ts');
var COMPILED_WITH_TOOLS = path.join(__dirname, '..', 'dist', 'tools', 'cli.js');
var PINNED_NODE = path.join(__dirname, '..', 'node_modules', 'node', 'bin', 'node');
/* The oldest Node that can run the compiled package, and the oldest that runs the sources under type stripping. */
var OLDEST_FOR_PACKAGE = [22, 12];
var OLDEST_FOR_SOURCES = [24, 0];
/* Set for the process that this one starts, so that it can see its launcher's death. */
var LAUNCHED = 'LEVERET_LAUNCHED';
var FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'];

function isAtLeast(wanted) {
  var parts = process.versions.node.split('.');
  var major = Number(parts[0]);
  return major > wanted[0] || (major === wanted[0] && Number(parts[1]) >= wanted[1]);
}

function refuse(sentence) {
  process.stderr.write('leveret: ' + sentence + '\n');
  process.exit(1);
}

/* Runs another Node in this one's place: same streams, same arguments, signals passed down, the exit status passed up. */
function relaunch(node, flags) {
  var environment = {};
  Object.keys(process.env).forEach(function (name) {
    environment[name] = process.env[name];
  });
  environment[LAUNCHED] = '1';
  var child = require('child_process').spawn(node, flags.concat([__filename], process.argv.slice(2)), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: environment,
  });
  FORWARDED.forEach(function (signal) {
    process.on(signal, function () {
      child.kill(signal);
    });
  });
  child.on('error', function (error) {
    refuse('cannot run ' + node + ' (' + error.message + '); run "npm ci" again to mend it.');
  });
  child.on('exit', function (code, signal) {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/* A launcher that is killed must take its broker along, or the port and the data directory would stay taken. */
function endWithLauncher() {
  if (process.env[LAUNCHED] !== '1') return;
  delete process.env[LAUNCHED];
  if (!process.connected) return;
  process.on('disconnect', function () {
    process.kill(process.pid, 'SIGKILL');
  });
  if (process.channel) process.channel.unref();
}

function launch() {
  var isClone = fs.existsSync(SOURCES);
  var wasRelaunched = process.env[LAUNCHED] === '1';
  if (isClone && !isAtLeast(OLDEST_FOR_SOURCES)) {
    if (!wasRelaunched && fs.existsSync(PINNED_NODE)) return relaunch(PINNED_NODE, []);
    return refuse('this is Node ' + process.versions.node + ', and the sources need Node 24; run "npm ci", which brings it.');
  }
  if (!isClone && !isAtLeast(OLDEST_FOR_PACKAGE)) {
    return refuse('this is Node ' + process.versions.node + ', and Leveret needs Node 22.12 or newer; see https://nodejs.org.');
  }
  /* The lock of the data directory lives in node:sqlite, which 22.12 keeps behind a flag. */
  if (!isAtLeast([22, 13]) && !wasRelaunched) return relaunch(process.execPath, ['--experimental-sqlite']);
  if (!isClone && !fs.existsSync(COMPILED)) return refuse('the package is incomplete (' + COMPILED + ' is missing); install it again.');
  endWithLauncher();
  var complete = isClone ? SOURCES_WITH_TOOLS : COMPILED_WITH_TOOLS;
  var alone = isClone ? SOURCES : COMPILED;
  require('./enter.js').enter(fs.existsSync(complete) ? complete : alone);
}

launch();
