/** A connection of its own that looks what has become of queues, without touching what the session does on its channels. */
import type { TestBroker } from '../../support/broker.ts';
import type { RawChannel } from '../../support/raw-channel.ts';
import { RawClient } from '../../support/raw-client.ts';
import { fieldsOf } from './shown-frame.ts';

/** `gone`; `locked`, another connection's own; or its counts. */
export type QueueSight = { readonly name: string; readonly state: string };

/** Exclusive queues go a moment after their connection. */
const SWEEP_MS = 2_000;

export class Scout {
  readonly #client: RawClient;
  readonly #channel: RawChannel;

  private constructor(client: RawClient, channel: RawChannel) {
    this.#client = client;
    this.#channel = channel;
  }

  static async connect(broker: TestBroker): Promise<Scout> {
    const client = await RawClient.connect(broker);
    return new Scout(client, await client.openChannel());
  }

  async look(names: readonly string[]): Promise<QueueSight[]> {
    const seen: QueueSight[] = [];
    for (const name of names) {
      this.#channel.send('queue.declare', { queue: name, passive: true });
      const answer = await this.#channel.inbox.take(`what is known of ${name}`);
      const fields = fieldsOf(answer);
      if (answer.name === 'queue.declare-ok') seen.push({ name, state: `ready=${fields['messageCount']} consumers=${fields['consumerCount']}` });
      else {
        seen.push({ name, state: fields['replyCode'] === 405 ? 'locked' : 'gone' });
        await this.#again();
      }
    }
    return seen;
  }

  /** Deletes what a session left. */
  async sweep(queues: readonly string[], exchanges: readonly string[]): Promise<void> {
    const givenUpAtMs = performance.now() + SWEEP_MS;
    for (const queue of queues) {
      for (;;) {
        this.#channel.send('queue.delete', { queue });
        const answer = await this.#channel.inbox.take(`the end of ${queue}`);
        if (answer.name === 'queue.delete-ok') break;
        await this.#again();
        if (performance.now() > givenUpAtMs) break;
      }
    }
    for (const exchange of exchanges) await this.#channel.call('exchange.delete', { exchange });
    await this.#client.close();
  }

  async #again(): Promise<void> {
    this.#channel.send('channel.close-ok');
    await this.#channel.call('channel.open');
  }
}
