/** A thread that fills its heap, when a young generation that has grown makes that dangerous. Run as a worker by heap-exhauster.ts. */
import { applyFault } from '../../../src/main/fault-schedule.ts';

/** So many small objects live on that V8's own young generation has grown by then. */
const LIVE_OBJECTS = 600_000;
const BATCH = 5_000;
const GARBAGE_PER_OBJECT = 4;

const live: unknown[] = [];

function thing(at: number): unknown {
  return { at, pair: [at, at + 1], name: `thing ${at}` };
}

function grow(): void {
  for (let at = 0; at < BATCH; at++) live.push(thing(at));
  for (let at = 0; at < BATCH * GARBAGE_PER_OBJECT; at++) live[0] = thing(at);
  if (live.length < LIVE_OBJECTS) setImmediate(grow);
  else applyFault({ type: 'exhaust heap' });
}

setImmediate(grow);
