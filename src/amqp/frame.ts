/**
 * The frame: all that AMQP 0-9-1 puts on the wire after the protocol header (section 2.3.5 "Frame Details").
 *
 *     0      1         3             7                  7 + size   8 + size
 *     +------+---------+-------------+------------------+----------+
 *     | type | channel |    size     |     payload      |   0xCE   |
 *     +------+---------+-------------+------------------+----------+
 *      u8     u16       u32           `size` octets      u8
 *
 * Integers are big-endian. `size` counts the payload alone; the negotiated `frameMax` counts the overhead too.
 */
import { FRAME_OVERHEAD_SIZE } from './bounds.ts';

export const FrameType = {
  method: 1,
  header: 2,
  body: 3,
  heartbeat: 8,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** The last octet of each frame; any other means that the peer and we no longer agree where frames begin. */
export const FRAME_END = 0xce;

/** Octets before the payload. */
export const FRAME_HEADER_SIZE = 7;

/** Offsets of the fields from the start of a frame. */
export const FRAME_CHANNEL_OFFSET = 1;
export const FRAME_SIZE_OFFSET = 3;

/** Writes the 7 octets before a payload of `payloadSize` octets; answers the offset of the payload. */
export function writeFrameHeader(buffer: Buffer, offset: number, type: FrameType, channel: number, payloadSize: number): number {
  buffer[offset] = type;
  buffer.writeUInt16BE(channel, offset + FRAME_CHANNEL_OFFSET);
  buffer.writeUInt32BE(payloadSize, offset + FRAME_SIZE_OFFSET);
  return offset + FRAME_HEADER_SIZE;
}

/** The whole heartbeat frame. It belongs to channel 0; shared, so nobody may write into it. */
export const HEARTBEAT_FRAME: Uint8Array = Uint8Array.of(FrameType.heartbeat, 0, 0, 0, 0, 0, 0, FRAME_END);

/** The most octets of a body that one frame carries under `frameMax`. */
export function bodyPayloadMax(frameMax: number): number {
  return frameMax - FRAME_OVERHEAD_SIZE;
}
