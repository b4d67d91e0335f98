/**
 * The memory of one ring: a SharedArrayBuffer with one producer thread and one consumer thread.
 *
 *   byte
 *      0  +---------------------------+
 *         | tail             int32    |  written by the producer only: the commit word of every record
 *     64  | records          float64  |  statistics of the producer; any thread may look
 *         | bytes            float64  |
 *    128  +---------------------------+  two cache lines on: the neighbour-line prefetcher fetches pairs of lines
 *         | head             int32    |  written by the consumer only
 *    192  | highWaterBytes   float64  |  statistics of the consumer: the longest backlog that it found
 *    256  +---------------------------+
 *         | producerWaiting  int32    |  1: the producer holds records back until half of the ring is free
 *    384  +---------------------------+
 *         | records, `capacity` bytes |  a power of two
 *         +---------------------------+
 *
 * A record begins at a multiple of 8 and never runs over the end of the memory:
 *
 *      0        4        8                8 + length     next multiple of 8
 *     +--------+--------+----------------+--------------+
 *     | length | type   | payload        | unused       |
 *     +--------+--------+----------------+--------------+
 *
 * What is left before the end and too short for the next record is filled by a padding record (type PADDING).
 *
 * Positions are byte counts since the creation of the ring that wrap at 32 bits: the place in memory is
 * `position & (capacity - 1)`, the distance of two positions is `(later - earlier) | 0`. Bytes at and after the tail are
 * nobody's: whatever an ended producer left there is written over by the next one.
 */

/** Bytes before the first record. */
export const RING_HEADER_BYTES = 384;
/** Bytes before the payload of a record: its length and its type. */
export const RECORD_HEADER_BYTES = 8;
/** Records begin at multiples of this many bytes. */
export const RECORD_ALIGNMENT_BYTES = 8;

/** Indices of int32 words. */
export const TAIL_WORD = 0;
export const HEAD_WORD = 32;
export const PRODUCER_WAITING_WORD = 64;
/** Indices of float64 cells. */
export const RECORDS_CELL = 8;
export const BYTES_CELL = 9;
export const HIGH_WATER_CELL = 24;

/** The type of a padding record; callers may use every other int32. */
export const PADDING = -1;

/** Bounds of the capacity, bytes. Above 2^29 the sum of a full ring and one more record would not fit a signed distance. */
export const RING_BYTES_MIN = 256;
export const RING_BYTES_MAX = 2 ** 29;

/**
 * Memory for one ring of `capacityBytes` (a power of two from RING_BYTES_MIN to RING_BYTES_MAX, else RangeError).
 * `firstPosition` (a multiple of 8) is where head and tail begin: tests start close to the wrap of 32 bits.
 */
export function createRing(capacityBytes: number, firstPosition = 0): SharedArrayBuffer {
  if (!isCapacity(capacityBytes)) throw new RangeError(`a ring of ${capacityBytes} bytes: not a power of two within bounds`);
  if (firstPosition % RECORD_ALIGNMENT_BYTES !== 0) throw new RangeError(`position ${firstPosition} is not aligned`);
  const memory = new SharedArrayBuffer(RING_HEADER_BYTES + capacityBytes);
  const words = new Int32Array(memory);
  words[TAIL_WORD] = firstPosition | 0;
  words[HEAD_WORD] = firstPosition | 0;
  return memory;
}

/** The capacity of a ring in bytes; RangeError when the memory is not that of a ring. */
export function ringCapacity(memory: SharedArrayBuffer): number {
  const capacityBytes = memory.byteLength - RING_HEADER_BYTES;
  if (!isCapacity(capacityBytes)) throw new RangeError(`${memory.byteLength} bytes of shared memory are not a ring`);
  return capacityBytes;
}

/**
 * The longest payload of a record, bytes. With its header it takes at most a quarter of the ring, with a padding record
 * before it less than half: so it fits whenever half of the ring is free, wherever the positions stand.
 */
export function payloadBytesMax(capacityBytes: number): number {
  return capacityBytes / 4 - RECORD_HEADER_BYTES;
}

/** What a ring has carried, for reports. */
export type RingStatistics = { readonly records: number; readonly bytes: number; readonly highWaterBytes: number };

/**
 * The statistics of a ring, from any thread. Records are counted just before they are shown, so a producer that was ended
 * between the two has left the counters a few records high.
 */
export function ringStatistics(memory: SharedArrayBuffer): RingStatistics {
  const cells = new Float64Array(memory, 0, RING_HEADER_BYTES / Float64Array.BYTES_PER_ELEMENT);
  const cell = (index: number): number => cells[index] ?? 0;
  return { records: cell(RECORDS_CELL), bytes: cell(BYTES_CELL), highWaterBytes: cell(HIGH_WATER_CELL) };
}

function isCapacity(bytes: number): boolean {
  return bytes >= RING_BYTES_MIN && bytes <= RING_BYTES_MAX && (bytes & (bytes - 1)) === 0;
}
