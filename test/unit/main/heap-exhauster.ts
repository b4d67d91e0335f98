/** `node heap-exhauster.ts YOUNG_MIB`, or none for V8's own: a process whose thread fills its heap; says how that ended. */
import { Worker } from 'node:worker_threads';
import { heapLimits } from '../../../src/main/thread-heap.ts';

const OLD_MIB = 128;

const young = process.argv[2];
const resourceLimits = young === undefined ? { maxOldGenerationSizeMb: OLD_MIB } : heapLimits(Number(young), OLD_MIB);
const thread = new Worker(new URL('./gluttonous-thread.ts', import.meta.url), { resourceLimits });
thread.on('error', (error: NodeJS.ErrnoException) => process.stdout.write(`${error.code}\n`));
