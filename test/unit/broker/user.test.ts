import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isLoopback, isPasswordRight, mayLogInFrom, passwordHash } from '../../../src/broker/user.ts';
import type { DigestPort } from '../../../src/broker/user.ts';

const NAMES = { rabbit_password_hashing_sha256: 'sha256', rabbit_password_hashing_sha512: 'sha512', rabbit_password_hashing_md5: 'md5' } as const;
const port: DigestPort = { digest: (algorithm, bytes) => createHash(NAMES[algorithm]).update(bytes).digest() };
const user = (hash: string, hashingAlgorithm = 'rabbit_password_hashing_sha256') => ({ name: 'u', passwordHash: hash, hashingAlgorithm, tags: [] });

const passwords = suite('passwords');

passwords('the example of the RabbitMQ guide', () => {
  const hash = passwordHash(port, 'rabbit_password_hashing_sha256', Buffer.from('908DC60A', 'hex'), 'test12');
  assert.is(hash, 'kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR');
  assert.ok(isPasswordRight(port, user(hash), 'test12'));
  assert.not.ok(isPasswordRight(port, user(hash), 'test13'));
  assert.not.ok(isPasswordRight(port, user(hash, 'rabbit_password_hashing_sha512'), 'test12'));
  assert.not.ok(isPasswordRight(port, user(hash, 'constructor'), 'test12'));
});

passwords('a blank password is never right, a user without a hash has none', () => {
  const blank = passwordHash(port, 'rabbit_password_hashing_sha256', Buffer.alloc(4), '');
  assert.not.ok(isPasswordRight(port, user(blank), ''));
  for (const hash of ['', 'AAAA', 'not base64 at all']) assert.not.ok(isPasswordRight(port, user(hash), 'a'));
});

passwords.run();

const addresses = suite('loopback rule');

const INSIDE = ['127.0.0.1', '127.255.255.254', '127.1.2.3', '::1', '0:0:0:0:0:0:0:1', '::0001', '::0:1', '::ffff:127.0.0.1', '::FFFF:127.9.9.9', '0:0:0:0:0:ffff:127.0.0.1', '::ffff:7f00:1'];
const OUTSIDE = [
  '10.0.0.1', '0.0.0.0', '128.0.0.1', '127.0.0', '127.0.0.256', '127.0.0.1.evil.example', '1127.0.0.1', 'x127.0.0.1', '::', '::2', '::11', '1::1', '::1%eth0', '::1:1',
  '::ffff:10.0.0.1', '::ffff:127.0.0.1.evil', '::ffff:8000:1', '::fffe:127.0.0.1', 'fe80::1', 'localhost', '', ' 127.0.0.1', '127.0.0.1\n',
];

for (const address of INSIDE) addresses(`${address} is loopback`, () => assert.ok(isLoopback(address)));
for (const address of OUTSIDE) addresses(`${JSON.stringify(address)} is not loopback`, () => assert.not.ok(isLoopback(address)));

addresses('guest is bound to it, others and an empty list are not', () => {
  assert.ok(mayLogInFrom('guest', '127.0.0.1'));
  assert.not.ok(mayLogInFrom('guest', '10.0.0.1'));
  assert.ok(mayLogInFrom('alice', '10.0.0.1'));
  assert.ok(mayLogInFrom('guest', '10.0.0.1', []));
});

addresses.run();
