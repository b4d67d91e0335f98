/**
 * Opens databases as the node does and tells what is in them. A process of its own: a damaged file can end it.
 * Each line of standard input is a path; each line of standard output is the answer to one.
 */
import { createInterface } from 'node:readline';
import { crc32 } from 'node:zlib';
import { StoreDisk } from '../../../src/main/store-disk.ts';
import { JOURNAL_KEY } from '../../../src/store/store-keys.ts';

function answer(path: string): unknown {
  try {
    const disk = StoreDisk.open({ path, durability: 'flushed', mapSizeBytes: 1 << 26 });
    try {
      return { entries: [...disk.entries(Buffer.from([0]), JOURNAL_KEY)].map(({ key, value }) => [key.toString('hex'), crc32(value)]) };
    } finally {
      disk.close();
    }
  } catch (error) {
    return { refused: String(error) };
  }
}

createInterface({ input: process.stdin }).on('line', (path) => process.stdout.write(`${JSON.stringify(answer(path))}\n`));
