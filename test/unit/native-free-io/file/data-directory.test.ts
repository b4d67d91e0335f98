import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OLDEST_SCHEMA_VERSION, SCHEMA_VERSION, openDataDirectory } from '../../../../native-free-io/file/data-directory.ts';
import { siblingModule } from '../../../../native-free-io/file/sibling-module.ts';
import type { DataDirectory, DataDirectoryFailure } from '../../../../native-free-io/file/data-directory.ts';

const directories = suite('data directory');
const folder = mkdtempSync(join(tmpdir(), 'leveret-dirs-'));
directories.after(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;

function freshPath(): string {
  return join(folder, `d${++count}`);
}

async function opened(path: string): Promise<DataDirectory> {
  const outcome = await openDataDirectory(path, 0);
  if (!outcome.ok) throw new Error(outcome.failure.text);
  return outcome.directory;
}

async function failureOf(path: string): Promise<DataDirectoryFailure> {
  const outcome = await openDataDirectory(path, 0);
  if (outcome.ok) throw new Error(`${path} was opened`);
  return outcome.failure;
}

directories('is made with its parents, for its owner alone, and marked', async () => {
  const path = join(freshPath(), 'deep', 'down');
  const directory = await opened(path);
  assert.is(directory.path, path);
  assert.is(directory.fresh, true);
  assert.is(statSync(path).mode & 0o777, 0o700);
  assert.is(readFileSync(join(path, 'schema'), 'utf8'), `${SCHEMA_VERSION}\n`);
  directory.release();
  const again = await opened(path);
  assert.is(again.fresh, false);
  again.release();
});

directories('a directory that others may enter is closed to them', async () => {
  const path = freshPath();
  mkdirSync(path);
  chmodSync(path, 0o755);
  const directory = await opened(path);
  assert.is(statSync(path).mode & 0o777, 0o700);
  assert.equal(directory.warnings, []);
  directory.release();
});

directories('ten stand side by side in one process, and none is opened twice', async () => {
  const paths = Array.from({ length: 10 }, freshPath);
  const held = await Promise.all(paths.map(opened));
  for (const path of paths) {
    const failure = await failureOf(path);
    assert.is(failure.kind, 'in-use');
    assert.match(failure.text, 'another broker of this process');
  }
  for (const directory of held) directory.release();
  for (const directory of await Promise.all(paths.map(opened))) directory.release();
});

directories('a release twice lets no third in', async () => {
  const path = freshPath();
  const first = await opened(path);
  first.release();
  const second = await opened(path);
  first.release();
  assert.is((await failureOf(path)).kind, 'in-use');
  second.release();
});

directories('waits for a predecessor that is on its way out', async () => {
  const path = freshPath();
  const first = await opened(path);
  const second = openDataDirectory(path, 10_000);
  first.release();
  const outcome = await second;
  assert.ok(outcome.ok);
  if (outcome.ok) outcome.directory.release();
});

directories('refuses what is not its own', async () => {
  const foreign = freshPath();
  mkdirSync(foreign);
  writeFileSync(join(foreign, 'thesis.txt'), 'precious');
  assert.is((await failureOf(foreign)).kind, 'foreign');
  assert.is(readFileSync(join(foreign, 'thesis.txt'), 'utf8'), 'precious');

  const file = freshPath();
  writeFileSync(file, '');
  assert.is((await failureOf(file)).kind, 'not-a-directory');
  assert.is((await failureOf(join(file, 'below'))).kind, 'not-a-directory');
  assert.is((await failureOf('/proc/leveret')).kind, 'not-writable');
});

directories('the rest of an interrupted first start is no obstacle', async () => {
  const path = freshPath();
  mkdirSync(join(path, 'lost+found'), { recursive: true });
  writeFileSync(join(path, 'lock'), '');
  writeFileSync(join(path, 'owner'), '1');
  writeFileSync(join(path, 'schema.new'), '');
  const directory = await opened(path);
  assert.is(directory.fresh, true);
  directory.release();
});

directories('a newer or unreadable mark is refused and the lock let go', async () => {
  const path = freshPath();
  (await opened(path)).release();
  writeFileSync(join(path, 'schema'), `${SCHEMA_VERSION + 1}\n`);
  assert.is((await failureOf(path)).kind, 'newer-schema');
  writeFileSync(join(path, 'schema'), `${OLDEST_SCHEMA_VERSION - 1}\n`);
  const older = await failureOf(path);
  assert.is(older.kind, 'older-schema');
  assert.match(older.text, `has version ${OLDEST_SCHEMA_VERSION - 1}`);
  writeFileSync(join(path, 'schema'), 'one\n');
  assert.is((await failureOf(path)).kind, 'unreadable-schema');
  writeFileSync(join(path, 'schema'), `${SCHEMA_VERSION}\n`);
  (await opened(path)).release();
});

directories('one of an older version that can be read has the present one from then on', async () => {
  const path = freshPath();
  (await opened(path)).release();
  writeFileSync(join(path, 'schema'), `${OLDEST_SCHEMA_VERSION}\n`);
  const directory = await opened(path);
  assert.not.ok(directory.fresh);
  assert.is(readFileSync(join(path, 'schema'), 'utf8'), `${SCHEMA_VERSION}\n`);
  directory.release();
});

directories('a directory without a file that it keeps is not opened, until that is given up', async () => {
  const path = freshPath();
  const file = join(path, 'data');
  const directory = await opened(path);
  writeFileSync(file, 'precious');
  assert.ok(directory.keep('data'));
  assert.ok(directory.keep('data'));
  directory.release();
  (await opened(path)).release();
  writeFileSync(file, '');
  const empty = await failureOf(path);
  assert.is(empty.kind, 'lost-file');
  assert.match(empty.text, `${file}, which held definitions and messages, is empty; put back`);
  rmSync(file);
  assert.match((await failureOf(path)).text, 'is missing; put back');
  rmSync(join(path, 'kept'));
  const renewed = await opened(path);
  assert.not.ok(renewed.fresh);
  renewed.release();
});

directories('a sibling module has the ending of the one that asks', () => {
  assert.is(siblingModule('file:///a/b/pool.ts', './thread').href, 'file:///a/b/thread.ts');
  assert.is(siblingModule('file:///a/dist/b/pool.js', '../c/thread').href, 'file:///a/dist/c/thread.js');
});

directories.run();
