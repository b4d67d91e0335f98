import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SCHEDULER_YOUNG_MIB, STORE_YOUNG_MIB } from '../../../src/main/thread-heap.ts';

const EXHAUSTER = join(import.meta.dirname, 'heap-exhauster.ts');
const RUNS = 2;
/** Without a bound nearly every run aborts; that none of so many does would mean that V8 has changed. */
const ATTEMPTS_MAX = 20;

/** How a process ended one thread of which filled its heap. */
function exhaust(...args: readonly string[]): string {
  const { signal, stdout } = spawnSync(process.execPath, [EXHAUSTER, ...args], { encoding: 'utf8' });
  return signal ?? stdout.trim();
}

const heap = suite('thread heap');

for (const youngMiB of [SCHEDULER_YOUNG_MIB, STORE_YOUNG_MIB]) {
  heap(`a thread with ${youngMiB} MiB for the young ends alone when its heap is full`, () => {
    for (let run = 0; run < RUNS; run++) assert.is(exhaust(String(youngMiB)), 'ERR_WORKER_OUT_OF_MEMORY');
  });
}

heap("is needed: with V8's own limit the whole process is aborted", () => {
  const ends = new Set<string>();
  for (let attempt = 0; attempt < ATTEMPTS_MAX && !ends.has('SIGABRT'); attempt++) ends.add(exhaust());
  assert.ok(ends.has('SIGABRT'), [...ends].join(', '));
});

heap.run();
