/** What the chaos clients send again and again, as whole frames. Not the broker's codec: who checks it must not share its mistakes. */
import { FRAME_OVERHEAD_BYTES, FrameType, MethodId, frame, methodFrame, shortString, u16, u32, u8 } from '../../bench/client/wire.ts';

/** The one channel of every connection. */
export const CHANNEL = 1;
export const EMPTY_TABLE = u32(0);
/** Property flag of delivery_mode, and the value that means persistent. */
const PERSISTENT_PROPERTIES = Buffer.from([0x10, 0x00, 2]);
const BASIC_CLASS = 60;

function u64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** A persistent message to a queue by the default exchange, as one piece. */
export function publishFrames(queue: string, body: Buffer, frameSizeMax: number): Buffer {
  const method = methodFrame(CHANNEL, MethodId.basicPublish, u16(0), shortString(''), shortString(queue), u8(0));
  const header = frame(FrameType.header, CHANNEL, Buffer.concat([u16(BASIC_CLASS), u16(0), u64(body.length), PERSISTENT_PROPERTIES]));
  const parts = [method, header];
  const step = frameSizeMax - FRAME_OVERHEAD_BYTES;
  for (let at = 0; at < body.length; at += step) parts.push(frame(FrameType.body, CHANNEL, body.subarray(at, at + step)));
  return Buffer.concat(parts);
}

export function ackFrame(deliveryTag: number, multiple: boolean): Buffer {
  return methodFrame(CHANNEL, MethodId.basicAck, u64(deliveryTag), u8(multiple ? 1 : 0));
}

/** Gives one delivery back to its queue. */
export function requeueFrame(deliveryTag: number): Buffer {
  return methodFrame(CHANNEL, MethodId.basicNack, u64(deliveryTag), u8(2));
}
