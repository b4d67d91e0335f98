import { FRAME_END, FrameType } from '../frame.ts';

const ACK = 80;
const NACK = 120;

/** basic.ack or basic.nack of the broker: 21 octets, written by hand because there may be one for each message. */
export function encodeConfirm(channel: number, sequence: number, multiple: boolean, refused: boolean): Buffer {
  const frame = Buffer.allocUnsafe(21);
  frame[0] = FrameType.method;
  frame.writeUInt16BE(channel, 1);
  frame.writeUInt32BE(13, 3);
  frame.writeUInt16BE(60, 7);
  frame.writeUInt16BE(refused ? NACK : ACK, 9);
  frame.writeUInt32BE(Math.floor(sequence / 0x1_0000_0000), 11);
  frame.writeUInt32BE(sequence >>> 0, 15);
  frame[19] = multiple ? 1 : 0;
  frame[20] = FRAME_END;
  return frame;
}
