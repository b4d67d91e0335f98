import type { Collection } from './collection.ts';
import { type ReadSegment } from './segment-reader.ts';
import type { DiskChange } from './port.ts';
import type { SegmentChain } from './segment-chain.ts';
import { removeSegment } from './segment-removal.ts';
import { SEGMENT_BYTES_MAX, SEGMENT_MESSAGES_MAX, NO_REFERENCES, type Segment } from './segment.ts';
import type { StoreTools } from './store-tools.ts';

/** A last segment with fewer bytes is written anew together with what follows it: single messages do not make a segment each. */
export const TAIL_BYTES = 2048;

/** What is known of the segment that is being built, beside what the builder knows. */
type Making = {
  /** The last segment of the chain, when this one takes its place. */
  replaced: Segment | undefined;
  references: Map<Segment, number> | undefined;
  /** Messages that have come back since they were collected: | position | deliveries | ... */
  readonly returned: number[];
};

/**
 * Makes segments of what was collected and adds them to `changes`. The first of them may take the place of the chain's last one:
 * then it begins with the same number.
 */
export function makeSegments(tools: StoreTools, chain: SegmentChain, collected: Collection, changes: DiskChange[]): Segment[] {
  const { builder, memory } = tools;
  const { positions, addresses, sizes, flags, references, deliveries, count } = collected;
  const made: Segment[] = [];
  let making: Making = { replaced: undefined, references: undefined, returned: [] };
  const finish = (): void => {
    made.push(finished(tools, chain, making, changes));
    making = { replaced: undefined, references: undefined, returned: [] };
  };
  for (let index = 0; index < count; index++) {
    const address = addresses[index]!;
    if (address === 0) continue;
    const position = positions[index]!;
    const reference = references[index]!;
    const bytes = reference === 0 ? sizes[index]! : 0;
    if (builder.open && !builder.fits(position, bytes)) finish();
    if (!builder.open && !(made.length === 0 && reopenTail(tools, chain, position, bytes, making, changes))) builder.begin(position, bytes);
    if (reference === 0) builder.addFrom(memory, position, flags[index]!, address, bytes);
    else addReference(tools, making, position, flags[index]!, sizes[index]!, reference);
    if (deliveries[index] !== 0) making.returned.push(position, deliveries[index]!);
  }
  if (builder.open) finish();
  return made;
}

function addReference({ builder, bodies }: StoreTools, making: Making, position: number, flags: number, size: number, reference: number): void {
  builder.addReference(position, flags, size, reference);
  const segment = bodies.segmentOf(reference);
  // The body of an old message may be missing, when its segment was damaged.
  if (segment === undefined) return;
  making.references ??= new Map();
  making.references.set(segment, (making.references.get(segment) ?? 0) + 1);
}

function finished({ builder }: StoreTools, { prefix }: SegmentChain, making: Making, changes: DiskChange[]): Segment {
  const { replaced, returned } = making;
  const segment = builder.finish(prefix, changes);
  segment.references = making.references ?? NO_REFERENCES;
  if (replaced !== undefined) {
    segment.adopt(replaced.gone);
    segment.live -= replaced.count - replaced.live;
    for (let offset = 0; offset < replaced.span; offset++) {
      if (replaced.deliveriesAt(offset) !== 0) segment.setDeliveries(offset, replaced.deliveriesAt(offset));
    }
    segment.dirty = replaced.dirty || replaced.stateWritten;
  }
  for (let index = 0; index < returned.length; index += 2) segment.setDeliveries(returned[index]! - segment.first, returned[index + 1]!);
  segment.dirty ||= returned.length > 0;
  return segment;
}

/** Begins with the messages of the last segment, when that is small and one more fits. Answers whether it did. */
function reopenTail(tools: StoreTools, chain: SegmentChain, position: number, bytes: number, making: Making, changes: DiskChange[]): boolean {
  const { builder } = tools;
  const tail = chain.list.last;
  if (tail === undefined || tail.live === 0 || tail.count >= SEGMENT_MESSAGES_MAX || tail.bytes >= TAIL_BYTES) return false;
  // After a restart positions follow the last message that is left: this segment may have had some that came behind it.
  if (position < tail.end || !chain.isKnown(tail)) return false;
  const read = tools.reader.read(chain.prefix, tail);
  if (typeof read === 'string') {
    chain.noteDamage(tail.first, tail.end - 1, read);
    return false;
  }
  if (read.contents.length >= TAIL_BYTES || read.contents.length + bytes > SEGMENT_BYTES_MAX) return false;
  builder.begin(tail.first, 0);
  if (!builder.fits(position, 0)) return false;
  copyRows(tools, tail, read, making);
  removeSegment(chain.prefix, tail, changes);
  making.replaced = tail;
  return true;
}

function copyRows(tools: StoreTools, { first, count }: Segment, { index, contents }: ReadSegment, making: Making): void {
  for (let row = 0; row < count; row++) {
    const number = first + index.offsets[row]!;
    const flags = index.flags[row]!;
    const reference = index.references[row]!;
    if (reference !== 0) addReference(tools, making, number, flags, index.sizes[row]!, reference);
    else tools.builder.add(number, flags, contents.subarray(index.starts[row]!, index.starts[row + 1]!));
  }
}
