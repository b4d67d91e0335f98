/** The timelines of delayed exchanges that live on one thread: they stand among its queues. */
import { TimelineActor } from '../../actors/delay/timeline-actor.ts';
import { TimelineState } from '../../actors/delay/timeline-state.ts';
import { DUE_WORDS, TimelineLetter, writeLong } from '../../actors/messages/timeline-messages.ts';
import { QueueLetter, queueActorId } from '../../actors/messages/queue-messages.ts';
import type { ActorGroup } from '../../actors/runtime/actor-group.ts';
import { type ActorRef, Letter } from '../../actors/runtime/letter.ts';
import type { ThreadLog } from '../../actors/thread/thread-node.ts';
import type { Scheduler } from '../../actors/runtime/scheduler.ts';
import { CopyDraft } from '../amqp/copy-draft.ts';
import { QueueLinks } from '../amqp/channel/queue-link.ts';
import { exchangeOfTimeline, isTimeline } from '../broker/exchange/delayed-exchange.ts';
import { lastGeneration } from '../broker/queue/last-generation.ts';
import type { QueueRecord } from '../broker/topology/topology-records.ts';
import type { Topology } from '../broker/topology/topology.ts';
import type { ThreadMemory } from './shared-memory.ts';

/** What they need of their thread. */
export type TimelineHost = {
  readonly scheduler: Scheduler;
  readonly topology: Topology;
  readonly messages: ThreadMemory;
  readonly queueGroup: ActorGroup;
  readonly log: ThreadLog;
  nowMs(): number;
  readonly chance: () => number;
};

export class TimelinesOfThread {
  readonly #host: TimelineHost;
  /** Undefined in a node that keeps nothing: it delays nothing either. */
  readonly #store: ActorRef | undefined;
  readonly #states = new Map<number, TimelineState>();

  constructor(host: TimelineHost, store: ActorRef | undefined) {
    this.#host = host;
    this.#store = store;
  }

  /** Answers false, and does nothing, for an ordinary queue. */
  start(record: QueueRecord): boolean {
    if (!isTimeline(record)) return false;
    const store = this.#store;
    if (store === undefined) return true;
    const { scheduler, topology, messages: memory, queueGroup, log } = this.#host;
    const { pool } = scheduler;
    const { slots } = memory;
    const id = queueActorId(record.id);
    const state = new TimelineState((number, passed) => {
      writeLong(passed.room(2, pool), passed.count, number);
      passed.count += 2;
    });
    this.#states.set(id, state);
    const links = new QueueLinks(pool, (queue) => topology.queueById(queue.id) !== undefined);
    const setting = {
      record,
      vhost: record.vhost,
      exchange: exchangeOfTimeline(record),
      topology,
      memory,
      store,
      pool,
      slots,
      state,
      links,
      draft: new CopyDraft(),
      nowMs: () => this.#host.nowMs(),
      chance: this.#host.chance,
      damaged: (reason: string) => log.error({ vhost: record.vhost, exchange: exchangeOfTimeline(record), reason }, 'delayed messages are damaged'),
      ended: () => void this.#states.delete(id),
      flushReleases: () => memory.table.flushReleases(),
    };
    scheduler.spawn(
      queueGroup,
      id,
      (context) => {
        if (topology.queueById(record.id) === undefined) scheduler.tell(context.self, new Letter(QueueLetter.end));
        return new TimelineActor(context, setting);
      },
      lastGeneration(slots, record),
    );
    return true;
  }

  /** A letter found no timeline: what it brought comes again when everything is handed out anew. */
  undeliverable(to: ActorRef, { type, ints, count }: Letter): void {
    if (type !== TimelineLetter.due && type !== TimelineLetter.reached && type !== QueueLetter.confirmed) return;
    if (type === TimelineLetter.due) {
      for (let at = 0; at < count; at += DUE_WORDS) if (ints[at] !== 0) this.#host.messages.release(ints[at]!);
      this.#host.messages.table.flushReleases();
    }
    const state = this.#states.get(to.id);
    if (state !== undefined) state.session = 0;
  }
}
