/**
 * How the domain says no. A refusal is a value, never an exception: the channel machine adds the failing method and turns
 * it into `channel.close` (soft) or `connection.close` (hard).
 *
 * The codes are AMQP's (AMQP 0-9-1, section 1.2 "Reply codes" of the generated XML); which are soft is RabbitMQ's reading.
 */
export const ReplyCode = {
  success: 200,
  contentTooLarge: 311,
  noRoute: 312,
  noConsumers: 313,
  connectionForced: 320,
  invalidPath: 402,
  accessRefused: 403,
  notFound: 404,
  resourceLocked: 405,
  preconditionFailed: 406,
  frameError: 501,
  syntaxError: 502,
  commandInvalid: 503,
  channelError: 504,
  unexpectedFrame: 505,
  resourceError: 506,
  notAllowed: 530,
  notImplemented: 540,
  internalError: 541,
} as const;
export type ReplyCode = (typeof ReplyCode)[keyof typeof ReplyCode];

const NAMES: ReadonlyMap<number, string> = new Map([
  [311, 'CONTENT_TOO_LARGE'],
  [312, 'NO_ROUTE'],
  [313, 'NO_CONSUMERS'],
  [320, 'CONNECTION_FORCED'],
  [402, 'INVALID_PATH'],
  [403, 'ACCESS_REFUSED'],
  [404, 'NOT_FOUND'],
  [405, 'RESOURCE_LOCKED'],
  [406, 'PRECONDITION_FAILED'],
  [501, 'FRAME_ERROR'],
  [502, 'SYNTAX_ERROR'],
  [503, 'COMMAND_INVALID'],
  [504, 'CHANNEL_ERROR'],
  [505, 'UNEXPECTED_FRAME'],
  [506, 'RESOURCE_ERROR'],
  [530, 'NOT_ALLOWED'],
  [540, 'NOT_IMPLEMENTED'],
  [541, 'INTERNAL_ERROR'],
]);

const SOFT: ReadonlySet<number> = new Set([311, 312, 313, 403, 404, 405, 406]);

export type Refusal = { readonly code: ReplyCode; readonly text: string };

/** `text` is the whole reply text, `"NOT_FOUND - no queue 'q' in vhost '/'"`; clients match on it. */
export function refuse(code: ReplyCode, explanation: string): Refusal {
  return { code, text: `${NAMES.get(code) ?? 'UNKNOWN'} - ${explanation}` };
}

/** A soft refusal closes the channel, a hard one the connection. */
export function isSoft(code: ReplyCode): boolean {
  return SOFT.has(code);
}
