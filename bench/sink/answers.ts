/** What a server must answer so that the load client believes it is a broker; no more than that. */
import { methodFrame, MethodId, shortString, u16, u32, u8, longString } from '../client/wire.ts';

const CHANNEL_MAX = 2_047;
const FRAME_MAX_BYTES = 131_072;

/** The server's first words, after the protocol header. */
export const CONNECTION_START = methodFrame(
  0,
  MethodId.connectionStart,
  u8(0),
  u8(9),
  u32(0),
  longString('PLAIN'),
  longString('en_US'),
);

const EMPTY_QUEUE_OK = [shortString('q'), u32(0), u32(0)];

/** The answer to a method, as a frame; undefined for one that has none. */
export function answerTo(channel: number, id: number): Buffer | undefined {
  switch (id) {
    case MethodId.connectionStartOk:
      return methodFrame(0, MethodId.connectionTune, u16(CHANNEL_MAX), u32(FRAME_MAX_BYTES), u16(0));
    case MethodId.connectionOpen:
      return methodFrame(0, MethodId.connectionOpenOk, shortString(''));
    case MethodId.connectionClose:
      return methodFrame(0, MethodId.connectionCloseOk);
    case MethodId.channelOpen:
      return methodFrame(channel, MethodId.channelOpenOk, longString(''));
    case MethodId.queueDeclare:
      return methodFrame(channel, MethodId.queueDeclareOk, ...EMPTY_QUEUE_OK);
    case MethodId.queueDelete:
      return methodFrame(channel, MethodId.queueDeleteOk, u32(0));
    case MethodId.basicQos:
      return methodFrame(channel, MethodId.basicQosOk);
    case MethodId.basicConsume:
      return methodFrame(channel, MethodId.basicConsumeOk, shortString('c'));
    case MethodId.confirmSelect:
      return methodFrame(channel, MethodId.confirmSelectOk);
    default:
      return undefined;
  }
}
