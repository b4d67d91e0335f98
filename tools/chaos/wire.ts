/**
 * The AMQP 0-9-1 methods that the chaos clients speak. Apart from the broker's own codec on purpose: who checks it must not share
 * its mistakes.
 *
 *   frame   | type 1 | channel 2 | size 4 | payload ... | 0xCE |
 *   method  | class 2 | method 2 | fields ... |                              (as a payload)
 *   header  | class 2 | weight 2 | body size 8 | flags 2 | properties ... |  (as a payload)
 */
export const FRAME_HEADER_BYTES = 7;
/** Header and end octet. */
export const FRAME_OVERHEAD_BYTES = 8;
export const FRAME_END = 0xce;
export const FrameType = { method: 1, header: 2, body: 3, heartbeat: 8 } as const;
/** The one channel of every connection. */
export const CHANNEL = 1;

/** Class and method as one number, the way they stand on the wire. */
export const MethodId = {
  connectionStart: (10 << 16) | 10,
  connectionStartOk: (10 << 16) | 11,
  connectionTune: (10 << 16) | 30,
  connectionTuneOk: (10 << 16) | 31,
  connectionOpen: (10 << 16) | 40,
  connectionOpenOk: (10 << 16) | 41,
  connectionClose: (10 << 16) | 50,
  connectionCloseOk: (10 << 16) | 51,
  channelOpen: (20 << 16) | 10,
  channelOpenOk: (20 << 16) | 11,
  channelClose: (20 << 16) | 40,
  queueDeclare: (50 << 16) | 10,
  queueDeclareOk: (50 << 16) | 11,
  queueDelete: (50 << 16) | 40,
  queueDeleteOk: (50 << 16) | 41,
  basicQos: (60 << 16) | 10,
  basicQosOk: (60 << 16) | 11,
  basicConsume: (60 << 16) | 20,
  basicConsumeOk: (60 << 16) | 21,
  basicCancel: (60 << 16) | 30,
  basicPublish: (60 << 16) | 40,
  basicDeliver: (60 << 16) | 60,
  basicAck: (60 << 16) | 80,
  basicNack: (60 << 16) | 120,
  confirmSelect: (85 << 16) | 10,
  confirmSelectOk: (85 << 16) | 11,
} as const;

export const PROTOCOL_HEADER = Buffer.from('AMQP\x00\x00\x09\x01', 'latin1');
/** Property flag of delivery_mode, and the value that means persistent. */
const PERSISTENT_PROPERTIES = Buffer.from([0x10, 0x00, 2]);
const BASIC_CLASS = 60;

export function u8(value: number): Buffer {
  return Buffer.from([value]);
}

export function u16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** Throws a RangeError above 255 bytes. */
export function shortString(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > 255) throw new RangeError(`a short string of ${bytes.length} bytes`);
  return Buffer.concat([u8(bytes.length), bytes]);
}

export function longString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([u32(bytes.length), bytes]);
}

/** A field table whose values are all `true`: what a client's capabilities are. */
export function flagTable(names: readonly string[]): Buffer {
  const fields = Buffer.concat(names.map((name) => Buffer.concat([shortString(name), Buffer.from('t\x01', 'latin1')])));
  return Buffer.concat([u32(fields.length), fields]);
}

export const EMPTY_TABLE = u32(0);

export function frame(type: number, channel: number, payload: Buffer): Buffer {
  return Buffer.concat([u8(type), u16(channel), u32(payload.length), payload, u8(FRAME_END)]);
}

export function methodFrame(channel: number, id: number, ...fields: readonly Buffer[]): Buffer {
  return frame(FrameType.method, channel, Buffer.concat([u32(id), ...fields]));
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
