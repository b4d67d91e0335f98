import { connect } from 'amqplib';
import type { Channel, ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib';
import type { TestBroker } from './broker.ts';
import { withinDeadline } from './deadline.ts';
import { Inbox } from './inbox.ts';

/** What amqplib puts on the error of a channel or connection that the broker closed. */
export type BrokerError = Error & { readonly code?: number; readonly classId?: number; readonly methodId?: number };

/** An amqplib connection whose errors a test can take instead of crashing on them. */
export class AmqplibPeer {
  readonly model: ChannelModel;
  readonly errors = new Inbox<BrokerError>();

  constructor(model: ChannelModel) {
    this.model = model;
    model.on('error', (error: BrokerError) => this.errors.put(error));
  }

  static async connect(broker: TestBroker): Promise<AmqplibPeer> {
    return new AmqplibPeer(await withinDeadline(connect(broker.url), 'the connection'));
  }

  async channel(): Promise<Channel> {
    return this.#watched(await this.model.createChannel());
  }

  async confirmChannel(): Promise<ConfirmChannel> {
    return this.#watched(await this.model.createConfirmChannel());
  }

  #watched<C extends Channel>(channel: C): C {
    channel.on('error', (error: BrokerError) => this.errors.put(error));
    return channel;
  }

  async close(): Promise<void> {
    await withinDeadline(this.model.close(), 'the close').catch(() => undefined);
  }
}

/** Consumes without acknowledging by itself; the messages can be taken one by one. */
export async function consumed(channel: Channel, queue: string, noAck = true): Promise<Inbox<ConsumeMessage>> {
  const inbox = new Inbox<ConsumeMessage>();
  await channel.consume(queue, (message) => message !== null && inbox.put(message), { noAck });
  return inbox;
}
