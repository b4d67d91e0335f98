import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseBrokerUrl } from '../../../bench/client/broker-url.ts';

const test = suite('bench/client/broker-url');

test('absent parts fall back, empty ones do not', () => {
  const fallback = { host: 'h', port: 5672, user: 'guest', password: 'guest' };
  assert.equal(parseBrokerUrl('amqp://h'), { ...fallback, virtualHost: '/' });
  assert.equal(parseBrokerUrl('amqp://h/'), { ...fallback, virtualHost: '' });
  assert.equal(parseBrokerUrl('AMQP://h/%2F'), { ...fallback, virtualHost: '/' });
});

test('all parts, percent-encoded', () => {
  const expected = { host: '::1', port: 1234, user: 'a@b', password: 'c:d', virtualHost: 'e/f' };
  assert.equal(parseBrokerUrl('amqp://a%40b:c%3Ad@[::1]:1234/e%2Ff'), expected);
});

test('refuses other schemes', () => {
  assert.throws(() => parseBrokerUrl('amqps://h'), TypeError);
});

test.run();
