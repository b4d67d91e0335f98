/** The traffic of a run: publishers and consumers on durable queues, and the draining of the queues at the end. */
import { AmqpLink } from './amqp-link.ts';
import { BodyWriter } from './message-body.ts';
import { Consumer } from './consumer.ts';
import { Publisher } from './publisher.ts';
import type { SeededRandom } from './seeded-random.ts';
import { RECONNECT_MS, pause } from './stage.ts';
import type { Stage } from './stage.ts';

/** Draining ends when nothing has moved for so long: what is missing then is lost. Counted while this process ran. */
const DRAIN_IDLE_MS = 6_000;
/** An empty queue is believed to be empty after so long. */
const DRAIN_EMPTY_MS = 300;
const DRAIN_STEP_MS = 50;
/** A longer step is one in which the machine stood still, the broker too. */
const DRAIN_STEP_MAX_MS = 200;

export type Crowd = { readonly publishers: number; readonly consumers: number; readonly queues: readonly string[] };

export class Traffic {
  readonly #crowd: Crowd;
  readonly #stage: Stage;
  readonly #random: SeededRandom;
  readonly #publishers: Publisher[];
  readonly #consumers: Consumer[];
  #publishing: Promise<unknown> = Promise.resolve();
  #consuming: Promise<unknown> = Promise.resolve();

  constructor(crowd: Crowd, stage: Stage, random: SeededRandom) {
    this.#crowd = crowd;
    this.#stage = stage;
    this.#random = random;
    const { queues, publishers, consumers } = crowd;
    const bodies = new BodyWriter(random.branch());
    this.#publishers = Array.from({ length: publishers }, (_, index) => new Publisher({ number: index + 1, queues, random: random.branch(), bodies }, stage));
    this.#consumers = Array.from({ length: consumers }, (_, index) => this.#consumer(queues[index % queues.length] as string, index, false));
  }

  start(): void {
    this.#publishing = Promise.all(this.#publishers.map((each) => each.run()));
    this.#consuming = Promise.all(this.#consumers.map((each) => each.run()));
  }

  /** Publishers end with all their answers; then consumers. */
  async stop(): Promise<void> {
    for (const each of this.#publishers) each.stop();
    await this.#publishing;
    for (const each of this.#consumers) each.stop();
    await this.#consuming;
  }

  /** Reads what is left in the queues, then deletes them. Answers how many messages would not come. */
  async drain(): Promise<number> {
    const { queues } = this.#crowd;
    const drainers = queues.map((queue, index) => this.#consumer(queue, index, true));
    const draining = Promise.all(drainers.map((each) => each.run()));
    await this.#untilEmpty();
    for (const each of drainers) each.stop();
    await draining;
    return await this.#deleteQueues();
  }

  async #untilEmpty(): Promise<void> {
    const { ledger } = this.#stage;
    let before = ledger.progress;
    let stillMs = 0;
    for (;;) {
      const sinceMs = this.#stage.nowMs();
      await pause(DRAIN_STEP_MS);
      stillMs += Math.min(this.#stage.nowMs() - sinceMs, DRAIN_STEP_MAX_MS);
      if (ledger.progress !== before) {
        before = ledger.progress;
        stillMs = 0;
      }
      if (stillMs > DRAIN_IDLE_MS || (ledger.outstanding === 0 && stillMs > DRAIN_EMPTY_MS && (await this.#ready()) === 0)) return;
    }
  }

  /** Messages ready in all queues; undefined when the broker cannot be asked. */
  async #ready(): Promise<number | undefined> {
    return await this.#ask(async (link) => {
      let ready = 0;
      for (const queue of this.#crowd.queues) ready += await link.declareQueue(queue);
      return ready;
    });
  }

  async #deleteQueues(): Promise<number> {
    const left = (await this.#ready()) ?? 0;
    await this.#ask(async (link) => {
      for (const queue of this.#crowd.queues) await link.deleteQueue(queue);
      return 0;
    });
    return left;
  }

  async #ask(question: (link: AmqpLink) => Promise<number>): Promise<number | undefined> {
    const url = this.#stage.url();
    if (url === undefined) return undefined;
    let link: AmqpLink | undefined;
    try {
      link = await AmqpLink.open(url, {});
      return await question(link);
    } catch {
      await pause(RECONNECT_MS);
      return undefined;
    } finally {
      await link?.close();
    }
  }

  #consumer(queue: string, index: number, draining: boolean): Consumer {
    const { queues, consumers } = this.#crowd;
    const readers = Math.floor((consumers - 1 - (index % queues.length)) / queues.length) + 1;
    return new Consumer({ queue, random: this.#random.branch(), sole: draining || readers === 1, draining }, this.#stage);
  }
}
