/** What a session says to frames that come where none of their kind may. */
import { type AmqpError, amqpError } from '../../src/amqp/amqp-error.ts';
import { methodIdOf } from '../../src/amqp/method-codec.ts';
import { ReplyCode } from '../../src/broker/refusal.ts';

/** 504: a frame for a channel that is not open. */
export function notOpen(method?: Parameters<typeof amqpError>[2]): AmqpError {
  return amqpError(ReplyCode.channelError, "expected 'channel.open'", method);
}

/** 505: a method between a publish and its content. */
export function expectedHeader(): AmqpError {
  const text = 'expected content header for class 60, got non content header frame instead';
  return amqpError(ReplyCode.unexpectedFrame, text, methodIdOf('basic.publish'));
}
