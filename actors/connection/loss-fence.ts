/**
 * What a lost thread had taken in and not yet answered is gone with it, and looks like what still waits to be read by its
 * replacement. So when the thread is back, every queue that this connection publishes to is asked something: the answer comes
 * behind those to all publishes before the question. When all have answered, a publish without an answer will never get one,
 * and is refused.
 */
import type { Channel } from '../../src/amqp/channel/channel.ts';
import type { QueueRecord } from '../../src/broker/topology/topology-records.ts';
import type { Requests } from './requests.ts';

export class LossFence {
  readonly #requests: Requests;
  readonly #post: (queue: QueueRecord, request: number) => void;
  #asked = new Set<number>();

  /** `post` asks a queue, under a number, for an answer behind all confirms. */
  constructor(requests: Requests, post: (queue: QueueRecord, request: number) => void) {
    this.#requests = requests;
    this.#post = post;
  }

  /** Everything that was published so far has left for its queues. A fence that stands already is replaced by this one. */
  raise(queues: readonly QueueRecord[], channels: readonly Channel[]): void {
    for (const request of this.#asked) this.#requests.takeQuestion(request);
    const asked = (this.#asked = new Set<number>());
    const waiting = channels.filter((channel) => channel.awaitsConfirms).map((channel) => ({ channel, last: channel.lastPublish }));
    if (waiting.length === 0) return;
    const refuse = (): void => {
      for (const { channel, last } of waiting) channel.refuseLost(last);
    };
    for (const queue of queues) {
      const request = this.#requests.background({
        queue,
        question: { type: 'fence' },
        then: () => {
          if (asked.delete(request) && asked.size === 0) refuse();
        },
      });
      asked.add(request);
    }
    for (const request of [...asked]) this.#post(this.#requests.find(request)!.queue, request);
    if (asked.size === 0) refuse();
  }
}
