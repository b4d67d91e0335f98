/** What a connection tells of itself to those who only look. */
import type { Transport } from '../../native-free-io/socket/transport.ts';
import type { Session } from './session.ts';

/** RabbitMQ's words for it, as far as they fit: `flow` is being held back by the node itself for a moment, `blocked` by an alarm. */
export type ConnectionState = 'starting' | 'running' | 'flow' | 'blocked' | 'closing';

export type ConnectionLook = {
  /** As RabbitMQ names connections: client's address, an arrow, this side's. */
  readonly name: string;
  readonly user: string;
  readonly vhost: string;
  readonly state: ConnectionState;
  /** On the wire since it was opened. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Written for the client and not taken by it yet. */
  readonly unsentBytes: number;
};

export type Phase = 'handshake' | 'open' | 'closing' | 'ended';

/** `session` is undefined before the client has logged in. `isBlocked` by an alarm; `isReading` from the socket. */
export function lookAtConnection(
  { peer, local, bytesRead, bytesWritten, outbound }: Transport,
  session: Session | undefined,
  phase: Phase,
  isBlocked: boolean,
  isReading: boolean,
): ConnectionLook {
  const isHeldBack = !isReading && session?.requests.waiting === false;
  const openState = isBlocked ? 'blocked' : isHeldBack ? 'flow' : 'running';
  return {
    name: `${peer.host}:${peer.port} -> ${local.host}:${local.port}`,
    user: session?.who.user ?? '',
    vhost: session?.who.vhost ?? '',
    state: phase === 'open' ? openState : phase === 'handshake' ? 'starting' : 'closing',
    receivedBytes: bytesRead,
    sentBytes: bytesWritten,
    unsentBytes: outbound.unsentBytes,
  };
}
