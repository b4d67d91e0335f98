import type { ActorFactory } from '../../actors/runtime/actor.ts';
import type { ActorGroup, ActorGroupOptions } from '../../actors/runtime/actor-group.ts';
import type { SupervisorSnapshot } from '../../actors/runtime/supervision/child-snapshot.ts';
import type { Scheduler } from '../../actors/runtime/scheduler.ts';
import type { NodePart } from './root-supervision.ts';

/** One actor of the main thread with the group that starts it again, as a part of the node. */
export class MainActor implements NodePart {
  readonly #scheduler: Scheduler;
  readonly #options: ActorGroupOptions;
  readonly #id: number;
  readonly #factory: ActorFactory;
  readonly #onGaveUp: (text: string) => void;
  #group: ActorGroup | undefined = undefined;
  #stopping = false;

  /** `onGaveUp`: the group has borne as many crashes as it bears. */
  constructor(
    scheduler: Scheduler,
    options: ActorGroupOptions,
    id: number,
    factory: ActorFactory,
    onGaveUp: (text: string) => void,
  ) {
    this.#scheduler = scheduler;
    this.#options = options;
    this.#id = id;
    this.#factory = factory;
    this.#onGaveUp = onGaveUp;
  }

  start(): void {
    this.#stopping = false;
    this.#group = this.#scheduler.group({
      ...this.#options,
      onEnded: (reason) => {
        if (!this.#stopping) this.#onGaveUp(reason.text);
      },
    });
    this.#scheduler.spawn(this.#group, this.#id, this.#factory);
    if (!this.#scheduler.has(this.#id)) throw new Error(`the ${this.#options.name} did not start`);
  }

  stop(): void {
    this.#stopping = true;
    this.#group?.supervisor.shutdown();
  }

  kill(): void {
    this.stop();
  }

  snapshot(): SupervisorSnapshot | undefined {
    return this.#group?.snapshot();
  }
}
