import type { LoginAttempt, LoginOutcome } from '../../src/amqp/handshake-port.ts';
import { isPasswordRight, mayLogInFrom } from '../../src/broker/user.ts';
import type { ThreadNode } from '../thread/thread-node.ts';

/** Whether who logs in is who they say, from where they may. The client learns no more than that it was refused. */
export function judgeLogin(attempt: LoginAttempt, peerAddress: string, node: ThreadNode): LoginOutcome {
  const { credentials } = attempt;
  if (credentials === undefined) return { kind: 'refused', reason: `the mechanism ${attempt.mechanism} carries no password` };
  const { username } = credentials;
  const user = node.topology.access.user(username);
  const port = { digest: (algorithm: string, bytes: Uint8Array) => node.digest(algorithm, bytes) };
  const password = Buffer.from(credentials.password).toString('utf8');
  if (user === undefined || !isPasswordRight(port, user, password)) {
    return { kind: 'refused', reason: `user '${username}': invalid credentials` };
  }
  if (!mayLogInFrom(username, peerAddress)) {
    return { kind: 'refused', reason: `user '${username}' can only connect via localhost, not from ${peerAddress}` };
  }
  return { kind: 'accepted', username };
}
