import type { ConsumerSpec } from '../../broker/queue/consumer.ts';
import { DeliveryPrefix } from '../delivery-writer.ts';
import type { Channel } from './channel.ts';
import type { QueueLink } from './queue-link.ts';

/** A consumer as its channel sees it. */
export class ChannelConsumer {
  readonly channel: Channel;
  readonly tag: string;
  readonly noAck: boolean;
  readonly prefix: DeliveryPrefix;
  /** What the queue was told; told again to its next incarnation. Undefined for a consumer of direct replies. */
  spec: ConsumerSpec | undefined = undefined;
  key = 0;
  link: QueueLink | undefined = undefined;
  /** The queue's id for it. */
  consumerId = 0;
  /** Its deliveries must be reported when the socket has taken them. */
  windowed = false;
  /** How long its deliveries may stay unsettled, milliseconds; undefined: as long as the node allows. */
  timeoutMs: number | undefined = undefined;
  /** Its channel's limit is reached and its queue knows. */
  stopped = false;

  /** The client has cancelled it, and the queue has not answered yet: a new incarnation must not learn of it. */
  cancelling = false;

  constructor(channel: Channel, tag: string, noAck: boolean) {
    this.channel = channel;
    this.tag = tag;
    this.noAck = noAck;
    this.prefix = new DeliveryPrefix(channel.number, tag);
  }
}
