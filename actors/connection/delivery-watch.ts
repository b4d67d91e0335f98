/**
 * The time that a client may take to settle a delivery (RabbitMQ guide "Consumers", "Delivery Acknowledgement Timeout"). Now and then the
 * connection looks at its channels: one that holds a delivery for too long is closed with 406, and what it held comes back. basic.get counts
 * too. A delivery is up to two of these intervals older than its timeout when that is noticed, never younger.
 *
 * One timer a connection, and only while it holds deliveries.
 */
import type { ActorContext } from '../runtime/actor.ts';
import { amqpError } from '../../src/amqp/amqp-error.ts';
import type { Channel } from '../../src/amqp/channel/channel.ts';
import { ReplyCode } from '../../src/broker/refusal.ts';

export const WATCH_TIMER = 7;

/** RabbitMQ's consumer_timeout, and its interval between two looks, milliseconds. */
export const CONSUMER_TIMEOUT_MS = 1_800_000;
export const CONSUMER_TIMEOUT_CHECK_MS = 60_000;

export type WatchSetting = {
  /** Where neither consumer nor queue say, milliseconds; 0: for ever. */
  readonly consumerTimeoutMs: number;
  readonly consumerTimeoutCheckMs: number;
};

export class DeliveryWatch {
  readonly #context: ActorContext;
  readonly #setting: WatchSetting;
  readonly #channels: ReadonlyMap<number, Channel>;
  readonly #nowMs: () => number;
  #running = false;

  constructor(context: ActorContext, setting: WatchSetting, channels: ReadonlyMap<number, Channel>, nowMs: () => number) {
    this.#context = context;
    this.#setting = setting;
    this.#channels = channels;
    this.#nowMs = nowMs;
  }

  /** Deliveries have come. */
  begin(): void {
    if (this.#running) return;
    this.#running = true;
    this.#context.armTimer(WATCH_TIMER, this.#setting.consumerTimeoutCheckMs);
  }

  /** WATCH_TIMER. */
  look(): void {
    this.#running = false;
    const nowMs = this.#nowMs();
    const fallbackMs = this.#setting.consumerTimeoutMs === 0 ? Infinity : this.#setting.consumerTimeoutMs;
    let isHolding = false;
    for (const channel of [...this.#channels.values()]) {
      if (!channel.open) continue;
      const timeoutMs = channel.consuming.overdue(nowMs, fallbackMs);
      if (timeoutMs !== undefined) channel.closeWith(amqpError(ReplyCode.preconditionFailed, textOf(channel.number, timeoutMs)));
      else isHolding ||= channel.consuming.unsettled > 0;
    }
    if (isHolding) this.begin();
  }
}

function textOf(channel: number, timeoutMs: number): string {
  return (
    `delivery acknowledgement on channel ${channel} timed out. Timeout value used: ${timeoutMs} ms. ` +
    'This timeout value can be configured, see consumers doc guide to learn more'
  );
}
