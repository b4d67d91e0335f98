/**
 * The limits that both sides of a connection agree on. The server names its own in `connection.tune`; the client may only
 * lower them, and 0, "no limit", is more than any limit (rabbit_reader:validate_negotiated_integer_value). The heartbeat is
 * the client's alone to choose; 0 turns it off.
 */
import { ReplyCode } from '../broker/refusal.ts';
import { amqpError, type AmqpError } from './amqp-error.ts';
import { CHANNEL_MAX, CHANNEL_MIN, DEFAULT_FRAME_MAX, FRAME_MIN_SIZE, HEARTBEAT_SECONDS } from './bounds.ts';
import { methodIdOf } from './method-codec.ts';

export type Tuning = {
  readonly channelMax: number;
  /** Octets of a frame with its overhead. */
  readonly frameMax: number;
  readonly heartbeatSeconds: number;
};

export const DEFAULT_TUNING: Tuning = { channelMax: CHANNEL_MAX, frameMax: DEFAULT_FRAME_MAX, heartbeatSeconds: HEARTBEAT_SECONDS };

/** What the client chose in `connection.tune-ok`, or the error (530, hard) when the server does not allow it. */
export function negotiate(offer: Tuning, chosen: Tuning): Tuning | AmqpError {
  return (
    checkLimit('frame_max', FRAME_MIN_SIZE, chosen.frameMax, offer.frameMax) ??
    checkLimit('channel_max', CHANNEL_MIN, chosen.channelMax, offer.channelMax) ??
    chosen
  );
}

function checkLimit(name: 'frame_max' | 'channel_max', least: number, chosen: number, most: number): AmqpError | undefined {
  const detail = name === 'channel_max' && chosen === 0 ? ' (no limit)' : '';
  const refuse = (comparison: string, bound: string, allowed: number): AmqpError =>
    amqpError(
      ReplyCode.notAllowed,
      `negotiated ${name} = ${chosen}${detail} is ${comparison} than the ${bound} allowed value (${allowed})`,
      methodIdOf('connection.tune'),
    );
  if (chosen !== 0 && chosen < least) return refuse('lower', 'minimum', least);
  if (chosen === 0 || chosen > most) return refuse('higher', 'maximum', most);
  return undefined;
}
