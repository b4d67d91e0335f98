import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { refuse } from '../../../src/broker/refusal.ts';
import { amqpError, hardened, isAmqpError, toAmqpError, truncateReplyText } from '../../../src/amqp/amqp-error.ts';

const test = suite('protocol error');

test('a refusal takes the method that failed', () => {
  const error = toAmqpError(refuse(404, "no queue 'q' in vhost '/'"), { classId: 50, methodId: 20 });
  assert.equal(error, { code: 404, text: "NOT_FOUND - no queue 'q' in vhost '/'", classId: 50, methodId: 20, hard: false });
  assert.is(hardened(error).hard, true);
  assert.is(isAmqpError(error), true);
  assert.is(isAmqpError({ name: 'tx.select' }), false);
});

test('an error without a method blames 0 and 0', () => {
  assert.equal(amqpError(505, 'x'), { code: 505, text: 'UNEXPECTED_FRAME - x', classId: 0, methodId: 0, hard: true });
});

test('an explanation as long as a name may be still fits', () => {
  const text = amqpError(404, `no queue '${'\u{1f407}'.repeat(63)}' in vhost '/'`).text;
  assert.ok(Buffer.byteLength(text) <= 255);
  assert.ok(text.isWellFormed() && text.endsWith('...'));
  assert.is(truncateReplyText('short'), 'short');
});

test.run();
