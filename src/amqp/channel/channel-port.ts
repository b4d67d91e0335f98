/** What a channel needs of the connection it lives in, and of the node behind it. */
import type { QueueAnswer, QueueQuestion } from '../../broker/queue/queue-question.ts';
import type { Refusal } from '../../broker/refusal.ts';
import type { Who } from '../../broker/topology/access.ts';
import type { TopologyCommand, TopologyReply } from '../../broker/topology/topology-command.ts';
import type { QueueRecord } from '../../broker/topology/topology-records.ts';
import type { Topology } from '../../broker/topology/topology.ts';
import type { AmqpError } from '../amqp-error.ts';
import type { DeliveryWriter } from '../delivery-writer.ts';
import type { Method } from '../method-table.ts';
import type { MessageMemory } from '../stored-message.ts';
import type { AnnouncedBodies } from './announced-bodies.ts';
import type { Channel } from './channel.ts';
import type { ChannelConsumer } from './channel-consumer.ts';
import type { QueueLink, QueueLinks } from './queue-link.ts';

export type ChangeOutcome =
  | { readonly refusal: Refusal }
  /** `readyCount`: messages that were ready in a queue that was deleted. */
  | { readonly reply: TopologyReply; readonly readyCount: number };

export interface ChannelPort {
  readonly who: Who;
  /** The connection as queues address it. */
  readonly self: { readonly thread: number; readonly connection: number; readonly generation: number };
  readonly topology: Topology;
  readonly memory: MessageMemory;
  readonly links: QueueLinks;
  readonly writer: DeliveryWriter;
  readonly messageSizeMax: number;
  /** Milliseconds since the epoch, on a clock that never goes back. */
  nowMs(): number;
  readonly announced: AnnouncedBodies;
  send(channel: number, method: Method): void;
  /** A frame made before, such as an acknowledgement. */
  sendFrame(frame: Buffer): void;
  /** Closes the channel, or the connection when the error is hard. */
  fail(channel: number, error: AmqpError): void;
  /** The channel's number is free again. */
  closed(channel: number): void;
  /** Asks for a change of the topology. Nothing more is read from the socket until `then` was called. */
  change(command: TopologyCommand, then: (outcome: ChangeOutcome) => void): void;
  /** Asks a queue. Nothing more is read from the socket until `then` was called. */
  ask(queue: QueueRecord, question: QueueQuestion, then: (answer: QueueAnswer, link: QueueLink) => void): void;
  /** Stops reading until `resume` is called. */
  waitFor(begin: (resume: () => void) => void): void;
  /** Which thread should run a queue that is declared here. */
  readonly queueThread: number;
  /** 22 characters of base64url that nobody can guess. */
  randomPart(): string;
  /** From 0 to below 1, for exchanges that leave it to chance. */
  chance(): number;
  /** A number for a consumer, under which deliveries come. */
  addConsumer(consumer: ChannelConsumer): number;
  dropConsumer(key: number): void;
  /** The queue is to stop, or go on, delivering to a consumer. Goes before the settles of this turn. */
  setStopped(link: QueueLink, consumerId: number, stopped: boolean): void;
  /**
   * The body of what was written last is sent from where it lies: the connection keeps a lease of its own on it until the
   * socket has taken it.
   */
  holdUntilTaken(address: number): void;
  /** Publishes were decided; the channel wants `flushConfirms` at the end of the turn. */
  wantFlush(channel: Channel): void;
  /** A reply to `amq.rabbitmq.reply-to.<token>`: with one lease, to whom the token names. */
  reply(token: string, address: number): void;
  /** Whether the token's consumer is there. Nothing more is read from the socket until `then` was called. */
  probeReply(token: string, then: (alive: boolean) => void): void;
  /** The name under which replies to this consumer come. */
  replyToken(key: number): string;
  readonly canCancelNotify: boolean;
}
