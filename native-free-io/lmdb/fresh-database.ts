/**
 * A database comes into being under another name. LMDB lays its two meta pages out with one plain write; torn by a loss of power,
 * they would be a damaged database in which nothing is lost, and the node would refuse to start over it. So the name is given when
 * the pages are on the device. What a crash leaves behind before that is a file that nobody reads, and the next attempt removes it.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { openDatabase } from './lmdb-database.ts';

/** Makes an empty database at `path`, where there is none or an empty file; it is on the device afterwards, and so is its name. */
export function makeDatabase(path: string, mapSizeBytes: number): void {
  const draft = `${path}.new`;
  removeFile(draft);
  const database = openDatabase(draft, true, mapSizeBytes);
  try {
    database.env.sync();
  } finally {
    void database.close();
  }
  removeFile(`${draft}-lock`);
  renameSync(draft, path);
  flushDirectory(dirname(path));
}

function removeFile(path: string): void {
  if (existsSync(path)) unlinkSync(path);
}

/** A new name survives the loss of power when its directory is flushed. */
function flushDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
