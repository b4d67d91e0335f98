import type { ChannelConsumer } from '../../src/amqp/channel/channel-consumer.ts';

/** The consumers of a connection by the number under which deliveries for them come. */
export class ConsumerRegister {
  readonly #byKey = new Map<number, ChannelConsumer>();
  #last: ChannelConsumer | undefined = undefined;
  #nextKey = 1;

  add(consumer: ChannelConsumer): number {
    const key = this.#nextKey;
    this.#nextKey = (key % 0x7fff_ffff) + 1;
    this.#byKey.set(key, consumer);
    return key;
  }

  drop(key: number): void {
    this.#byKey.delete(key);
    this.#last = undefined;
  }

  /** Hot: most deliveries in a row are for one consumer. */
  find(key: number): ChannelConsumer | undefined {
    const last = this.#last;
    if (last?.key === key) return last;
    return (this.#last = this.#byKey.get(key));
  }

  /** Those that take from this queue. */
  of(queueId: number): ChannelConsumer[] {
    return [...this.#byKey.values()].filter((consumer) => consumer.link?.queue.id === queueId);
  }
}
