import { describe } from '../name.ts';
import { type Refusal, ReplyCode, refuse } from '../refusal.ts';
import type { ConsumerSpec } from './consumer.ts';

/**
 * What a channel asks a queue and waits for. Plain data: questions and answers travel between threads. Everything else
 * between the two goes in batches and is not waited for.
 */
export type QueueQuestion =
  | { readonly type: 'status' }
  /** Answered behind the confirms of everything published before. */
  | { readonly type: 'fence' }
  | { readonly type: 'consume'; readonly spec: ConsumerSpec }
  /** A consumer of an earlier incarnation; never refused. */
  | { readonly type: 'resubscribe'; readonly spec: ConsumerSpec }
  | { readonly type: 'cancel'; readonly key: number }
  | { readonly type: 'get'; readonly spec: ConsumerSpec }
  | { readonly type: 'purge' }
  /** To the history of an exchange: all that it keeps. */
  | { readonly type: 'recall' }
  /** The channel (0: the whole connection) holds nothing any more: its consumers go, its deliveries come back. */
  | { readonly type: 'detach'; readonly channel: number };

export type QueueAnswer =
  | { readonly type: 'status'; readonly readyCount: number; readonly consumerCount: number }
  | { readonly type: 'consuming'; readonly consumerId: number; readonly order: number; readonly windowed: boolean }
  | { readonly type: 'fenced' }
  | { readonly type: 'cancelled' }
  | {
      readonly type: 'got';
      readonly address: number;
      readonly position: number;
      readonly redelivered: boolean;
      /** How often it came back, where its consumers are told so; else 0. */
      readonly deliveries: number;
      readonly readyCount: number;
    }
  | { readonly type: 'empty' }
  | { readonly type: 'purged'; readonly count: number }
  /** Oldest first; each with one lease, which is the asker's. */
  | { readonly type: 'recalled'; readonly addresses: readonly number[] }
  | { readonly type: 'detached' }
  | { readonly type: 'refused'; readonly refusal: Refusal }
  /** The queue is not there any more. */
  | { readonly type: 'gone' };

/** Questions that a client waits for the answer of: of a queue that stays down they are refused. */
const REFUSED_BY_CRASHED: ReadonlySet<QueueQuestion['type']> = new Set(['status', 'consume', 'get', 'purge']);

/** What is said in place of a queue that crashed too often, or whose stored messages are damaged. The text is RabbitMQ's. */
export function answerOfCrashed(vhost: string, name: string, { type }: QueueQuestion): QueueAnswer {
  if (!REFUSED_BY_CRASHED.has(type)) return { type: 'gone' };
  return { type: 'refused', refusal: refuse(ReplyCode.notFound, `${describe('queue', vhost, name)} has crashed and failed to restart`) };
}
