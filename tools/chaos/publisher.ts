/** A publisher with confirms that connects again whenever it loses its broker. Each connection begins new streams. */
import { AmqpLink } from './amqp-link.ts';
import type { BodyWriter } from './message-body.ts';
import { checksumOf } from './message-body.ts';
import type { SeededRandom } from './seeded-random.ts';
import { RECONNECT_MS, nextTurn, pause } from './stage.ts';
import type { Stage } from './stage.ts';

/** Unanswered publishes at most. */
const WINDOW = 200;
const BURST_MAX = 24;
/** Confirmed messages that consumers are behind with; publishers wait for them above it. */
const BACKLOG_MAX = 4_000;
const WAIT_MS = 2;
/** A broker that leaves publishes on a standing connection without an answer for so long will never give one. */
export const ANSWER_LIMIT_MS = 30_000;

export type PublisherOptions = { readonly number: number; readonly queues: readonly string[]; readonly random: SeededRandom; readonly bodies: BodyWriter };

type Unanswered = { readonly stream: number; readonly sequence: number };

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #stage: Stage;
  #stopping = false;
  #lostAtMs: number | undefined = undefined;
  /** By delivery tag less one; undefined once answered. */
  #sent: (Unanswered | undefined)[] = [];
  /** Tags up to this are answered. */
  #answeredUpTo = 0;
  #unanswered = 0;

  constructor(options: PublisherOptions, stage: Stage) {
    this.#options = options;
    this.#stage = stage;
  }

  /** Publishes until `stop`; resolves when everything has its answer or its connection is gone. */
  async run(): Promise<void> {
    while (!this.#stopping) {
      const url = this.#stage.url();
      if (url === undefined) {
        await pause(RECONNECT_MS);
        continue;
      }
      try {
        await this.#connection(url);
      } catch {
        // The broker went away while we connected, or refused us: both are what happens to it on purpose.
        await pause(RECONNECT_MS);
      }
      this.#lostAtMs ??= this.#stage.nowMs();
    }
  }

  stop(): void {
    this.#stopping = true;
  }

  async #connection(url: string): Promise<void> {
    this.#sent = [];
    this.#answeredUpTo = 0;
    this.#unanswered = 0;
    const link = await AmqpLink.open(url, { confirm: (tag, multiple, confirmed) => this.#answer(tag, multiple, confirmed) });
    const { ledger } = this.#stage;
    const { number, queues } = this.#options;
    const streams = queues.map((queue) => ledger.openStream(number, queue));
    try {
      for (const queue of queues) await link.declareQueue(queue);
      await link.selectConfirms();
      await this.#publish(link, streams);
      await this.#awaitAnswers(link);
    } finally {
      await link.close();
      for (const stream of streams) ledger.closeStream(stream, this.#stage.nowMs());
    }
  }

  async #publish(link: AmqpLink, streams: readonly number[]): Promise<void> {
    while (!this.#stopping && link.endedBy === undefined) {
      const { ledger } = this.#stage;
      const room = WINDOW - this.#unanswered;
      const behind = ledger.waiting(this.#stage.nowMs());
      if (room < BURST_MAX || link.congested || behind > BACKLOG_MAX) await pause(WAIT_MS);
      else {
        this.#burst(link, streams);
        await nextTurn();
      }
    }
  }

  #burst(link: AmqpLink, streams: readonly number[]): void {
    const { queues, random, bodies } = this.#options;
    const { ledger } = this.#stage;
    const count = random.between(1, BURST_MAX);
    for (let each = 0; each < count; each++) {
      const chosen = random.below(queues.length);
      const stream = streams[chosen] as number;
      const sequence = ledger.nextSequence(stream);
      const body = bodies.write(stream, sequence, this.#stage.nowMs());
      ledger.sent(stream, checksumOf(body));
      this.#sent.push({ stream, sequence });
      this.#unanswered++;
      link.publish(queues[chosen] as string, body);
    }
  }

  async #awaitAnswers(link: AmqpLink): Promise<void> {
    const sinceMs = this.#stage.nowMs();
    while (this.#unanswered > 0 && link.endedBy === undefined) {
      await pause(WAIT_MS);
      if (this.#stage.nowMs() - sinceMs < ANSWER_LIMIT_MS) continue;
      this.#stage.problem(`publisher ${this.#options.number}: ${this.#unanswered} publishes have no answer after ${ANSWER_LIMIT_MS / 1000} s`);
      return;
    }
  }

  #answer(tag: number, multiple: boolean, confirmed: boolean): void {
    if (tag > this.#sent.length) return this.#stage.problem(`publisher ${this.#options.number}: an answer to publish ${tag}, of ${this.#sent.length} sent`);
    if (!multiple && this.#sent[tag - 1] === undefined) this.#stage.problem(`publisher ${this.#options.number}: publish ${tag} was answered twice`);
    for (let each = multiple ? this.#answeredUpTo + 1 : tag; each <= tag; each++) this.#answerOne(each, confirmed);
    while (this.#answeredUpTo < this.#sent.length && this.#sent[this.#answeredUpTo] === undefined) this.#answeredUpTo++;
    if (!confirmed) return;
    this.#stage.confirmed();
    if (this.#lostAtMs === undefined) return;
    this.#stage.recovered(this.#stage.nowMs() - this.#lostAtMs);
    this.#lostAtMs = undefined;
  }

  #answerOne(tag: number, confirmed: boolean): void {
    const publish = this.#sent[tag - 1];
    if (publish === undefined) return;
    this.#sent[tag - 1] = undefined;
    this.#unanswered--;
    this.#stage.ledger.answered(publish.stream, publish.sequence, confirmed);
  }
}
