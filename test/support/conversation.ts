import { suite } from 'uvu';
import { testBroker } from './broker.ts';
import type { TestBroker } from './broker.ts';
import { freshName } from './fresh-name.ts';
import { RawClient } from './raw-client.ts';
import type { ConnectOptions } from './raw-client.ts';
import type { RawChannel } from './raw-channel.ts';
import type { MethodFields } from './raw-methods.ts';

/** What one test of a conversation has at hand. Everything it opened is closed when it ends. */
export class Scene {
  readonly broker: TestBroker;
  readonly client: RawClient;
  /** Channel 1 of `client`, open. */
  readonly channel: RawChannel;
  readonly #clients: RawClient[] = [];
  readonly #leftQueues: string[] = [];
  readonly #leftExchanges: string[] = [];

  constructor(broker: TestBroker, client: RawClient, channel: RawChannel) {
    this.broker = broker;
    this.client = client;
    this.channel = channel;
    this.#clients.push(client);
  }

  /** One more connection. */
  async connect(options?: ConnectOptions): Promise<RawClient> {
    return this.keep(await RawClient.connect(this.broker, options));
  }

  /** One more socket, nothing said. */
  async dial(): Promise<RawClient> {
    return this.keep(await RawClient.dial(this.broker));
  }

  keep(client: RawClient): RawClient {
    this.#clients.push(client);
    return client;
  }

  /** A queue that every connection may use. */
  async sharedQueue(fields: Partial<MethodFields<'queue.declare'>> = {}): Promise<string> {
    const queue = await this.channel.queue(freshName('queue'), { exclusive: false, ...fields });
    this.#leftQueues.push(queue);
    return queue;
  }

  async exchange(type: string, fields: Partial<MethodFields<'exchange.declare'>> = {}): Promise<string> {
    const exchange = freshName(type);
    await this.channel.call('exchange.declare', { exchange, type, ...fields });
    this.#leftExchanges.push(exchange);
    return exchange;
  }

  async end(): Promise<void> {
    for (const client of this.#clients) client.drop();
    if (this.#leftQueues.length + this.#leftExchanges.length === 0) return;
    const sweeper = await RawClient.connect(this.broker);
    const channel = await sweeper.openChannel();
    for (const queue of this.#leftQueues) await channel.call('queue.delete', { queue });
    for (const exchange of this.#leftExchanges) await channel.call('exchange.delete', { exchange });
    await sweeper.close();
  }
}

export type Conversation = {
  test(name: string, body: (scene: Scene) => Promise<void>): void;
  run(): void;
};

/** A suite whose tests each talk to the broker over a fresh connection, byte by byte. */
export function conversation(title: string): Conversation {
  const tests = suite(title);
  let broker: TestBroker | undefined;
  tests.after(async () => {
    await broker?.close();
  });
  return {
    test: (name, body) =>
      tests(name, async () => {
        // Not in a before hook: uvu swallows what a hook throws, and a broker that does not start must be heard.
        broker ??= await testBroker();
        const client = await RawClient.connect(broker);
        const scene = new Scene(broker, client, await client.openChannel());
        try {
          await body(scene);
        } finally {
          await scene.end();
        }
      }),
    run: () => tests.run(),
  };
}
