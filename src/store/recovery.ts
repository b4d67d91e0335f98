/**
 * Reads what stands on the disk, as a fold over its keys: values are read only where they are small (records of queues, states) or
 * where bodies are elsewhere (indexes of segments that refer to shared ones). Contents are left alone.
 *
 * Nothing that is found wrong stops it: each queue carries its own damage.
 */
import type { Crc32 } from './checksum.ts';
import type { Disk } from './port.ts';
import type { QueueLog } from './queue-log.ts';
import { readQueueRecord } from './queue-record.ts';
import { SegmentFold } from './segment-fold.ts';
import type { Segment } from './segment.ts';
import { QUEUES_FROM, QUEUES_TO, QUEUE_KEY_BYTES, QueuePart, SHARED_PREFIX, SHARED_TO, Shape } from './store-keys.ts';
import type { StoreTools } from './store-tools.ts';

export type Recovered = {
  readonly logs: Map<number, QueueLog>;
  /** Records of queues that were found. */
  readonly records: number;
  /** Keys of paged messages, which nobody has any more. */
  readonly leftovers: Buffer[];
  /** What is wrong and belongs to no queue, as sentences. */
  readonly faults: string[];
};

export function recover(disk: Disk, tools: StoreTools, makeLog: (queue: number) => QueueLog): Recovered {
  const { crc32, bodies } = tools;
  const faults: string[] = [];
  const shared = new SegmentFold(disk, crc32, SHARED_PREFIX.length, {
    found: (segment) => bodies.found(segment),
    damaged: (first, what) => void faults.push(`The bodies that several queues share are damaged at number ${first}: ${what}.`),
  });
  for (const key of disk.keys(SHARED_PREFIX, SHARED_TO)) shared.take(key);
  shared.end();

  const logs = new Map<number, QueueLog>();
  const leftovers: Buffer[] = [];
  let records = 0;
  let log: QueueLog | undefined;
  let fold: SegmentFold | undefined;
  const endQueue = (): void => {
    fold?.end();
    if (log !== undefined) checkQueue(log, tools);
  };
  for (const key of disk.keys(QUEUES_FROM, QUEUES_TO)) {
    if (key.length < QUEUE_KEY_BYTES) {
      faults.push(`A key of ${key.length} bytes stands among those of the queues, and none is so short.`);
      continue;
    }
    const queue = key.readUInt32BE(1) | 0;
    if (queue !== log?.id) {
      endQueue();
      log = makeLog(queue);
      logs.set(queue, log);
      fold = foldOf(disk, crc32, log);
    }
    const part = key[5]!;
    if (part === QueuePart.paged) leftovers.push(key);
    else if (part === QueuePart.kept) fold!.take(key);
    else if (part === QueuePart.record && key.length === QUEUE_KEY_BYTES) {
      records++;
      log.recorded = true;
      log.written = readQueueRecord(crc32, queue, disk.get(key) ?? Buffer.alloc(0));
      if (log.written === undefined) log.noteDamage('its record does not match its checksum');
    } else log.noteDamage(`a key stands among its own that is none: ${key.toString('hex')}`);
  }
  endQueue();
  const uncertain = faults.length > 0 || [...logs.values()].some(({ damage }) => damage !== undefined);
  bodies.counted(uncertain);
  return { logs, records, leftovers, faults };
}

function foldOf(disk: Disk, crc32: Crc32, log: QueueLog): SegmentFold {
  const { kept } = log;
  return new SegmentFold(disk, crc32, kept.prefix.length, {
    found: (segment) => {
      kept.list.push(segment);
      kept.live += segment.live;
      kept.segments++;
      kept.last = segment.liveEnd - 1;
    },
    damaged: (first, what) => log.noteDamage(`of the messages at position ${first | 0} and behind it, ${what}`),
  });
}

/** What was found must be what the queue's record says; and shared bodies must be there. */
function checkQueue(log: QueueLog, tools: StoreTools): void {
  const { kept, written } = log;
  for (let index = 0; index < kept.list.length; index++) {
    const segment = kept.list.at(index);
    if ((segment.shape & Shape.referring) !== 0) countReferences(log, segment, tools);
  }
  if (written === undefined && kept.segments > 0) log.noteDamage(`${kept.segments} segments are there, and no record of them`);
  if (written !== undefined && (written.live !== kept.live || written.segments !== kept.segments)) {
    const where = kept.segments === 0 ? '' : `, at positions ${kept.list.at(0).first | 0} to ${kept.last | 0}`;
    log.noteDamage(
      `its record speaks of ${written.live} messages in ${written.segments} segments, ` +
        `and ${kept.live} in ${kept.segments} are there${where}`,
    );
  }
  log.redelivered = Math.min(written?.redelivered ?? 0, Math.max(kept.last, 0));
}

function countReferences(log: QueueLog, segment: Segment, { reader, bodies }: StoreTools): void {
  const index = reader.index(log.kept.prefix, segment);
  if (typeof index === 'string') return log.kept.noteDamage(segment.first, segment.end - 1, index);
  const references = new Map<Segment, number>();
  for (let row = 0; row < segment.count; row++) {
    const number = index.references[row]!;
    if (number === 0) continue;
    const body = bodies.segmentOf(number);
    if (body === undefined) {
      log.kept.noteDamage(segment.first, segment.end - 1, `their shared body ${number} is missing`);
      continue;
    }
    references.set(body, (references.get(body) ?? 0) + 1);
    body.live++;
  }
  segment.references = references;
}
