/** Imported before a simulation: bounds of the sources so small that short histories reach them. */
import type { SourceChange } from '../source-change.ts';
import { changeSources } from './changed-sources.ts';

const SMALL_BOUNDS: readonly SourceChange[] = [
  { file: 'src/broker/queue/contents.ts', right: 'READ_AHEAD = 4096', wrong: 'READ_AHEAD = 4' },
  { file: 'src/broker/queue/contents.ts', right: 'RESIDENT = 16_384', wrong: 'RESIDENT = 10' },
  { file: 'src/broker/queue/ledger-layout.ts', right: 'CHUNK_SHIFT = 10', wrong: 'CHUNK_SHIFT = 4' },
  { file: 'src/broker/queue/queue-machine.ts', right: 'DISPATCH_MAX = 2048', wrong: 'DISPATCH_MAX = 9' },
  { file: 'actors/queue/keeping.ts', right: 'READ_MAX = 2048', wrong: 'READ_MAX = 3' },
  { file: 'actors/queue/keeping.ts', right: 'PAGE_OUT_MAX = 8192', wrong: 'PAGE_OUT_MAX = 5' },
  { file: 'actors/queue/keeping.ts', right: 'RETURNED_WORDS_MAX = 8192', wrong: 'RETURNED_WORDS_MAX = 6' },
  { file: 'actors/queue/dead-letters.ts', right: 'TURN_LETTERS_MAX = 4096', wrong: 'TURN_LETTERS_MAX = 3' },
  { file: 'actors/queue/copies-under-way.ts', right: 'COPIES_MAX = 16_384', wrong: 'COPIES_MAX = 5' },
  { file: 'actors/queue/copies-under-way.ts', right: 'FIRST_ENTRIES = 64', wrong: 'FIRST_ENTRIES = 2' },
  { file: 'src/main/thread-actors.ts', right: 'PAGING_SHARE = 0.5', wrong: 'PAGING_SHARE = 1 / 256' },
  { file: 'src/store/segment.ts', right: 'SEGMENT_MESSAGES_MAX = 1024', wrong: 'SEGMENT_MESSAGES_MAX = 12' },
  { file: 'src/store/segment.ts', right: 'SEGMENT_SPAN_MAX = 8192', wrong: 'SEGMENT_SPAN_MAX = 40' },
  { file: 'src/store/segment-making.ts', right: 'TAIL_BYTES = 2048', wrong: 'TAIL_BYTES = 300' },
  { file: 'src/store/journal/journaled-disk.ts', right: 'JOURNAL_BLOCKS = 1024', wrong: 'JOURNAL_BLOCKS = 12' },
  { file: 'src/store/journal/journaled-disk.ts', right: 'RECORD_BLOCKS_MAX = 16', wrong: 'RECORD_BLOCKS_MAX = 3' },
];

changeSources(SMALL_BOUNDS);
