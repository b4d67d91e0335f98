/**
 * A protocol error: the peer's fault, as a value. The edge turns it into `channel.close` (soft) or `connection.close` (hard).
 *
 * Which method is blamed is RabbitMQ's rule: the method that failed, or 0 and 0 when no method was involved
 * (rabbit_binary_generator:map_exception).
 */
import { refuse, isSoft, type Refusal, type ReplyCode } from '../broker/refusal.ts';
import { SHORTSTR_SIZE_MAX } from './bounds.ts';

export type AmqpError = {
  readonly code: ReplyCode;
  /** The whole reply text, at most 255 octets of UTF-8. */
  readonly text: string;
  readonly classId: number;
  readonly methodId: number;
  /** True: the connection is closed. False: the channel alone. */
  readonly hard: boolean;
};

/** The pair that blames a method; 0 and 0 blame none. */
export type MethodId = { readonly classId: number; readonly methodId: number };

export const NO_METHOD: MethodId = { classId: 0, methodId: 0 };

/** A refusal of the domain, with the method that asked for it. */
export function toAmqpError(refusal: Refusal, method: MethodId = NO_METHOD): AmqpError {
  return {
    code: refusal.code,
    text: truncateReplyText(refusal.text),
    classId: method.classId,
    methodId: method.methodId,
    hard: !isSoft(refusal.code),
  };
}

/** `explanation` comes after the name of the code: `amqpError(501, 'bad', id)` has the text `FRAME_ERROR - bad`. */
export function amqpError(code: ReplyCode, explanation: string, method: MethodId = NO_METHOD): AmqpError {
  return toAmqpError(refuse(code, explanation), method);
}

/** A soft error on channel 0 closes the connection: there is no channel to close. */
export function hardened(error: AmqpError): AmqpError {
  return error.hard ? error : { ...error, hard: true };
}

/** Tells an error from the method or value that might have come in its place. */
export function isAmqpError(value: object): value is AmqpError {
  return 'hard' in value;
}

const ELLIPSIS = '...';

/**
 * A reply text that fits a short string: 255 octets of UTF-8 or fewer, never cut inside a character. Like RabbitMQ, a text
 * that had to be cut ends in three dots.
 */
export function truncateReplyText(text: string): string {
  // Three octets per UTF-16 unit is the most that UTF-8 needs: short texts are not measured.
  if (text.length * 3 <= SHORTSTR_SIZE_MAX || Buffer.byteLength(text) <= SHORTSTR_SIZE_MAX) return text;
  let kept = '';
  let room = SHORTSTR_SIZE_MAX - ELLIPSIS.length;
  for (const character of text) {
    room -= Buffer.byteLength(character);
    if (room < 0) break;
    kept += character;
  }
  return kept + ELLIPSIS;
}
