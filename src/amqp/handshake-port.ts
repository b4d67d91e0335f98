/**
 * What the handshake asks of the world around it, and what it is told. Whoever owns the socket stands behind this port.
 */
import type { FieldTable } from '../broker/field-table.ts';
import type { AmqpError } from './amqp-error.ts';
import type { Method } from './method-table.ts';
import type { Credentials } from './sasl.ts';
import type { Tuning } from './tuning.ts';

/** A client's attempt to log in. Mechanisms that carry no password have a response and no credentials. */
export type LoginAttempt = {
  readonly mechanism: string;
  readonly response: Uint8Array;
  readonly credentials: Credentials | undefined;
};

export type LoginOutcome =
  | { readonly kind: 'accepted'; readonly username: string }
  /** `reason` is for the log; the client never learns it. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'challenged'; readonly challenge: Uint8Array };

/** What is known of a connection once it is open. */
export type OpenedConnection = Tuning & {
  readonly username: string;
  readonly virtualHost: string;
  readonly mechanism: string;
  readonly clientProperties: FieldTable;
};

/** What the machine needs of the world. Methods are sent on channel 0. */
export interface HandshakePort {
  send(method: Method): void;
  sendBytes(bytes: Uint8Array): void;
  /** Judges the attempt, the peer's address included (a user such as guest only from this host); ends in `authenticated`. */
  authenticate(attempt: LoginAttempt): void;
  /** Judges whether the user may use the vhost; ends in `vhostOpened`. */
  openVhost(username: string, virtualHost: string): void;
  /** Sends `connection.close`, waits for its answer as a running connection does, and ends the socket. */
  close(error: AmqpError): void;
  /** Ends the socket after `delayMs` without a word; `reason` is for the log. Reads nothing more. */
  drop(reason: string, delayMs: number): void;
  /** `connection.open-ok` has been sent: from now on the connection belongs to its channels. */
  opened(connection: OpenedConnection): void;
}
