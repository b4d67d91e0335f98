/**
 * What a session of the differential test does, as data that stands in JSON files: a list of steps. A channel is named by its connection, a
 * letter, and its number there: `a2`. Names of queues and exchanges are those of the session; the player makes them unique.
 */
import type { RawValue } from '../../support/raw-table.ts';
import type { CallName } from '../../support/raw-methods.ts';

export type Arguments = Readonly<Record<string, RawValue>>;

export type StepProperties = {
  readonly deliveryMode?: number;
  readonly priority?: number;
  readonly messageId?: string;
  readonly correlationId?: string;
  readonly timestamp?: number;
  readonly expiration?: string;
  readonly replyTo?: string;
  readonly headers?: Arguments;
};

export type Step =
  /** A method that is answered by its `-ok`. `names`: fields that hold a name of a queue or exchange. */
  | {
      readonly do: 'call';
      readonly on: string;
      readonly method: CallName;
      readonly fields: Readonly<Record<string, string | number | boolean>>;
      readonly arguments?: Arguments;
      /** A history is replayed, and what of it expires has to before anybody looks, milliseconds. */
      readonly waitMs?: number;
    }
  | {
      readonly do: 'publish';
      readonly on: string;
      readonly exchange: string;
      readonly routingKey: string;
      readonly mandatory: boolean;
      readonly properties: StepProperties;
      /** One message a body. */
      readonly bodies: readonly string[];
      /** What was published has to expire before anybody looks, milliseconds. */
      readonly waitMs?: number;
    }
  | { readonly do: 'get'; readonly on: string; readonly queue: string; readonly noAck: boolean }
  /** Settles what the channel holds at this place, oldest first, modulo how many there are; nothing when there is none. */
  | {
      readonly do: 'settle';
      readonly on: string;
      readonly how: 'ack' | 'nack' | 'reject';
      readonly place: number;
      readonly requeue: boolean;
      readonly multiple: boolean;
    }
  /** A delivery tag that was never given. */
  | { readonly do: 'settle-unknown'; readonly on: string }
  /** Closes the channel, or with `connection` its connection without a word, and opens it again. */
  | { readonly do: 'reopen'; readonly on: string; readonly what: 'channel' | 'connection' }
  | { readonly do: 'wait'; readonly ms: number };

/** What a session shows, one list of lines a step: what came on each channel, in order, and what stands in the queues then. */
export type Transcript = readonly (readonly string[])[];

export type RecordedSession = { readonly seed: number; readonly steps: readonly Step[]; readonly transcript: Transcript };
