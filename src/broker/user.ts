/**
 * Users: who may log in, from where, and with which password.
 *
 * A password is kept as RabbitMQ keeps it, so that definitions can be imported and exported (RabbitMQ guide "Passwords"):
 *
 *     base64( salt, 4 bytes  |  digest( salt | password in UTF-8 ) )
 *
 * The digest comes through a port because this room computes nothing that depends on a platform.
 */
import { Buffer } from 'node:buffer';
import type { UserRecord } from './topology/topology-records.ts';

/** The names of the algorithms are RabbitMQ's, as definitions files spell them. */
export type HashingAlgorithm = 'rabbit_password_hashing_sha256' | 'rabbit_password_hashing_sha512' | 'rabbit_password_hashing_md5';

/** Computes the digest that the algorithm names. */
export type DigestPort = { digest(algorithm: HashingAlgorithm, bytes: Uint8Array): Uint8Array };

const SALT_SIZE = 4;
const ALGORITHMS: ReadonlySet<string> = new Set<HashingAlgorithm>([
  'rabbit_password_hashing_sha256',
  'rabbit_password_hashing_sha512',
  'rabbit_password_hashing_md5',
]);

export function isHashingAlgorithm(name: string): name is HashingAlgorithm {
  return ALGORITHMS.has(name);
}

/** The stored form of a password. The caller brings four bytes of randomness as salt. */
export function passwordHash(port: DigestPort, algorithm: HashingAlgorithm, salt: Uint8Array, password: string): string {
  if (salt.byteLength !== SALT_SIZE) throw new Error('assertion failed: a salt is 4 bytes');
  return Buffer.concat([salt, port.digest(algorithm, Buffer.concat([salt, Buffer.from(password)]))]).toString('base64');
}

/**
 * Whether the password is the user's. A blank password is never right, whatever is stored, and neither is any password for a
 * user without a hash: such a user logs in by other means.
 */
export function isPasswordRight(port: DigestPort, user: UserRecord, password: string): boolean {
  const stored = Buffer.from(user.passwordHash, 'base64');
  if (password === '' || stored.byteLength <= SALT_SIZE || !isHashingAlgorithm(user.hashingAlgorithm)) return false;
  const salt = stored.subarray(0, SALT_SIZE);
  return sameInConstantTime(port.digest(user.hashingAlgorithm, Buffer.concat([salt, Buffer.from(password)])), stored.subarray(SALT_SIZE));
}

/** Looks at every byte whatever the earlier ones were, so that time tells nothing about the hash. */
function sameInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  let difference = 0;
  for (let index = 0; index < a.byteLength; index++) difference |= (a[index] ?? 0) ^ (b[index] ?? 0);
  return difference === 0;
}

/** Users that may log in from this machine only, unless configured otherwise (RabbitMQ's loopback_users). */
export const LOOPBACK_USERS: readonly string[] = ['guest'];

/**
 * Whether the user may log in from the address. The address is that of the **peer**, never the one the listener is bound to,
 * and with the PROXY protocol the one that a trusted proxy told.
 */
export function mayLogInFrom(user: string, peerAddress: string, loopbackUsers: readonly string[] = LOOPBACK_USERS): boolean {
  return !loopbackUsers.includes(user) || isLoopback(peerAddress);
}

const IPV4_LOOPBACK = /^127\.(?:25[0-5]|2[0-4]\d|1?\d?\d)\.(?:25[0-5]|2[0-4]\d|1?\d?\d)\.(?:25[0-5]|2[0-4]\d|1?\d?\d)$/;
/** `::1` however it is written, without a zone. */
const IPV6_LOOPBACK = /^(?:::0{0,3}1|(?:0{1,4}:){7}0{0,3}1|(?:0{1,4}:){1,6}:0{0,3}1|::(?:0{1,4}:){1,6}0{0,3}1)$/;
/** An IPv4 address inside an IPv6 one: `::ffff:127.0.0.1` or `::ffff:7f00:1`. */
const MAPPED = /^(?:::|(?:0{1,4}:){5})ffff:(.+)$/i;
const MAPPED_LOOPBACK_WORDS = /^7f[0-9a-f]{2}:[0-9a-f]{1,4}$/i;

/** Whether the textual IP address is one of this machine's loopback interface. Names are not addresses: `localhost` is not. */
export function isLoopback(address: string): boolean {
  const mapped = MAPPED.exec(address)?.[1];
  if (mapped !== undefined) return IPV4_LOOPBACK.test(mapped) || MAPPED_LOOPBACK_WORDS.test(mapped);
  return IPV4_LOOPBACK.test(address) || IPV6_LOOPBACK.test(address);
}
