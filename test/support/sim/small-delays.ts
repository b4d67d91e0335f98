/** Imported before a simulation with delayed messages, beside small-bounds.ts; what comes back to one of its queues waits, too. */
import type { SourceChange } from '../source-change.ts';
import { changeSources } from './changed-sources.ts';

const SMALL_BOUNDS: readonly SourceChange[] = [
  { file: 'actors/delay/timeline-actor.ts', right: 'WANTED_MESSAGES = 16_384', wrong: 'WANTED_MESSAGES = 4' },
  { file: 'actors/delay/timeline-actor.ts', right: 'AHEAD_MS = 2_000', wrong: 'AHEAD_MS = 100' },
  { file: 'actors/delay/timeline-actor.ts', right: 'HELD_MESSAGES_MAX = 32_768', wrong: 'HELD_MESSAGES_MAX = 9' },
  { file: 'actors/delay/timeline-actor.ts', right: 'KEPT_MESSAGES = 16_384', wrong: 'KEPT_MESSAGES = 5' },
  { file: 'actors/delay/timeline-actor.ts', right: 'TURN_MESSAGES_MAX = 2_048', wrong: 'TURN_MESSAGES_MAX = 3' },
  { file: 'src/store/timeline.ts', right: 'ADVANCE_MESSAGES_MAX = 4096', wrong: 'ADVANCE_MESSAGES_MAX = 4' },
  { file: 'src/store/timeline.ts', right: 'SPANS_AHEAD_MS = 10_000', wrong: 'SPANS_AHEAD_MS = 300' },
  { file: 'src/store/moment-making.ts', right: 'MOMENT_MESSAGES_MIN = 8', wrong: 'MOMENT_MESSAGES_MIN = 3' },
  { file: 'src/store/moment-record.ts', right: 'MOMENT_MESSAGES_MAX = 1024', wrong: 'MOMENT_MESSAGES_MAX = 3' },
  { file: 'src/store/span-record.ts', right: 'SPAN_MESSAGES_MAX = 64', wrong: 'SPAN_MESSAGES_MAX = 4' },
  { file: 'src/store/span-refining.ts', right: 'REFINED_BYTES_MAX = 2 * 1024 * 1024', wrong: 'REFINED_BYTES_MAX = 8_000' },
  { file: 'src/store/span-refining.ts', right: 'STEP_READ_BYTES = 512 * 1024', wrong: 'STEP_READ_BYTES = 2_000' },
  { file: 'src/store/span-refining.ts', right: 'STEP_WRITTEN_BYTES = 512 * 1024', wrong: 'STEP_WRITTEN_BYTES = 600' },
];

/** A wait is over before anybody asks whether the node is quiet. */
const RETRYING: SourceChange = {
  file: 'test/support/sim/sim-queue.ts',
  right: "{ ...PLAIN, name: 'stable-too', stable: true }",
  wrong:
    "{ ...PLAIN, name: 'stable-too', stable: true, arguments: new Map([['x-delayed-retry-type', { type: 'S', value: Buffer.from('all') }], " +
    "['x-delayed-retry-min', { type: 'I', value: 30 }], ['x-delayed-retry-max', { type: 'I', value: 2_000 }]]) }",
};

changeSources([...SMALL_BOUNDS, RETRYING]);
