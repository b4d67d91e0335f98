/**
 * The few AMQP 0-9-1 methods that a load client speaks, encoded as whole frames.
 *
 *   frame   | type 1 | channel 2 | size 4 | payload ... | 0xCE |
 *   method  | class 2 | method 2 | fields ... |              (as a payload)
 */
export const FRAME_HEADER_BYTES = 7;
/** Header and end octet: what a frame costs beside its payload. */
export const FRAME_OVERHEAD_BYTES = 8;
export const FRAME_END = 0xce;

export const FrameType = { method: 1, header: 2, body: 3, heartbeat: 8 } as const;

/** Class and method as one 32-bit number, the way they stand on the wire. */
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
  channelCloseOk: (20 << 16) | 41,
  exchangeDeclare: (40 << 16) | 10,
  exchangeDeclareOk: (40 << 16) | 11,
  exchangeDelete: (40 << 16) | 20,
  exchangeDeleteOk: (40 << 16) | 21,
  queueDeclare: (50 << 16) | 10,
  queueDeclareOk: (50 << 16) | 11,
  queueBind: (50 << 16) | 20,
  queueBindOk: (50 << 16) | 21,
  queueDelete: (50 << 16) | 40,
  queueDeleteOk: (50 << 16) | 41,
  basicQos: (60 << 16) | 10,
  basicQosOk: (60 << 16) | 11,
  basicConsume: (60 << 16) | 20,
  basicConsumeOk: (60 << 16) | 21,
  basicCancel: (60 << 16) | 30,
  basicPublish: (60 << 16) | 40,
  basicReturn: (60 << 16) | 50,
  basicDeliver: (60 << 16) | 60,
  basicGet: (60 << 16) | 70,
  basicGetOk: (60 << 16) | 71,
  basicGetEmpty: (60 << 16) | 72,
  basicAck: (60 << 16) | 80,
  basicReject: (60 << 16) | 90,
  basicNack: (60 << 16) | 120,
  confirmSelect: (85 << 16) | 10,
  confirmSelectOk: (85 << 16) | 11,
  txSelect: (90 << 16) | 10,
  txSelectOk: (90 << 16) | 11,
  txCommit: (90 << 16) | 20,
  txCommitOk: (90 << 16) | 21,
} as const;

/** What a client says first. */
export const PROTOCOL_HEADER = Buffer.from('AMQP\x00\x00\x09\x01', 'latin1');

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

export function frame(type: number, channel: number, payload: Buffer): Buffer {
  return Buffer.concat([u8(type), u16(channel), u32(payload.length), payload, u8(FRAME_END)]);
}

export function methodFrame(channel: number, id: number, ...fields: readonly Buffer[]): Buffer {
  return frame(FrameType.method, channel, Buffer.concat([u32(id), ...fields]));
}

/**
 * How a consumer settles: acks for many at once; or one refusal for each message, which sends it to the dead letters; or basic.nack,
 * for many at once, after which messages are gone (`nack`) or back in their queue (`requeue`).
 */
export type Settling = 'ack' | 'reject' | 'nack' | 'requeue';

const SETTLE_FRAME_BYTES = FRAME_OVERHEAD_BYTES + 4 + 8 + 1;
const MULTIPLE_BIT = 1;
/** Of basic.nack; that of basic.reject stands elsewhere. */
const REQUEUE_BIT = 2;

const SETTLE_METHODS = { ack: MethodId.basicAck, reject: MethodId.basicReject, nack: MethodId.basicNack, requeue: MethodId.basicNack } as const;

function settleBits(settling: Settling, every: number): number {
  if (settling === 'ack') return MULTIPLE_BIT;
  if (settling === 'reject') return 0;
  return (every > 1 ? MULTIPLE_BIT : 0) | (settling === 'requeue' ? REQUEUE_BIT : 0);
}

/**
 * What a consumer that settles every `every` messages owes from after `fromTag` up to `toTag`, as one buffer: one basic.ack with
 * multiple=true per step, or one basic.nack; or, for `reject`, one basic.reject without requeueing per step, where a step is one message.
 * `toTag - fromTag` is a multiple of `every`.
 */
export function settleFrames(channel: number, fromTag: number, toTag: number, every: number, settling: Settling = 'ack'): Buffer {
  const count = (toTag - fromTag) / every;
  const bytes = Buffer.allocUnsafe(count * SETTLE_FRAME_BYTES);
  const id = SETTLE_METHODS[settling];
  const bits = settleBits(settling, every);
  for (let index = 0, at = 0; index < count; index += 1, at += SETTLE_FRAME_BYTES) {
    const tag = fromTag + (index + 1) * every;
    bytes[at] = FrameType.method;
    bytes.writeUInt16BE(channel, at + 1);
    bytes.writeUInt32BE(SETTLE_FRAME_BYTES - FRAME_OVERHEAD_BYTES, at + 3);
    bytes.writeUInt32BE(id, at + 7);
    bytes.writeUInt32BE(Math.floor(tag / 0x1_0000_0000), at + 11);
    bytes.writeUInt32BE(tag % 0x1_0000_0000, at + 15);
    bytes[at + 19] = bits;
    bytes[at + 20] = FRAME_END;
  }
  return bytes;
}
