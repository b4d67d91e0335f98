import { type ActorRef, Letter, RuntimeLetter } from './letter.ts';
import type { Scheduler } from './scheduler.ts';

/** How a watched actor ended: `a` of a `down` letter. */
const Down = { ended: 0, crashed: 1, threadLost: 2 } as const;

/**
 * Who watches whom, seen from one thread. The thread of the target keeps the watchers and tells them of its end; the
 * thread of the watcher keeps the targets on other threads, because a thread that is lost tells nobody anything (I12).
 */
export class Watches {
  readonly #scheduler: Scheduler;
  /** target id (on this thread) -> watchers by thread and id */
  readonly #watchers = new Map<number, Map<string, ActorRef>>();
  /** watcher (on this thread) -> what it watches, so that its own end leaves nothing behind */
  readonly #targetsOf = new Map<number, Map<string, ActorRef>>();
  /** target (on another thread) -> watchers on this thread */
  readonly #away = new Map<string, { readonly target: ActorRef; readonly watchers: Map<number, ActorRef> }>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  watch(watcher: ActorRef, target: ActorRef): void {
    let targets = this.#targetsOf.get(watcher.id);
    if (targets === undefined) this.#targetsOf.set(watcher.id, (targets = new Map()));
    targets.set(keyOf(target), target);
    if (target.thread === this.#scheduler.thread) return this.#add(watcher, target.id);
    const key = keyOf(target);
    const entry = this.#away.get(key) ?? { target, watchers: new Map<number, ActorRef>() };
    entry.watchers.set(watcher.id, watcher);
    this.#away.set(key, entry);
    this.#ask(RuntimeLetter.watch, watcher, target);
  }

  unwatch(watcher: ActorRef, target: ActorRef): void {
    const targets = this.#targetsOf.get(watcher.id);
    if (targets?.delete(keyOf(target)) === true && targets.size === 0) this.#targetsOf.delete(watcher.id);
    if (target.thread === this.#scheduler.thread) return this.#drop(watcher, target.id);
    const entry = this.#away.get(keyOf(target));
    if (entry === undefined) return;
    entry.watchers.delete(watcher.id);
    if (entry.watchers.size === 0) this.#away.delete(keyOf(target));
    this.#ask(RuntimeLetter.unwatch, watcher, target);
  }

  /** A watcher will not come back: nobody is told anything on its account any more. */
  watcherEnded(watcher: ActorRef): void {
    for (const target of [...(this.#targetsOf.get(watcher.id)?.values() ?? [])]) this.unwatch(watcher, target);
  }

  #ask(type: number, watcher: ActorRef, target: ActorRef): void {
    const letter = new Letter(type);
    letter.sender = watcher;
    letter.a = target.id;
    this.#scheduler.tell({ thread: target.thread, id: 0, generation: 0 }, letter);
  }

  /** A letter from the scheduler of another thread. */
  receive(letter: Letter): void {
    if (letter.type === RuntimeLetter.watch) this.#add(letter.sender, letter.a);
    else if (letter.type === RuntimeLetter.unwatch) this.#drop(letter.sender, letter.a);
  }

  #add(watcher: ActorRef, targetId: number): void {
    if (!this.#scheduler.has(targetId)) {
      this.#tell(watcher, { thread: this.#scheduler.thread, id: targetId, generation: 0 }, RuntimeLetter.down, Down.ended);
      return;
    }
    let watchers = this.#watchers.get(targetId);
    if (watchers === undefined) this.#watchers.set(targetId, (watchers = new Map()));
    watchers.set(keyOf(watcher), watcher);
  }

  #drop(watcher: ActorRef, targetId: number): void {
    const watchers = this.#watchers.get(targetId);
    if (watchers === undefined) return;
    watchers.delete(keyOf(watcher));
    if (watchers.size === 0) this.#watchers.delete(targetId);
  }

  watchersOf(targetId: number): readonly ActorRef[] {
    return [...(this.#watchers.get(targetId)?.values() ?? [])];
  }

  ended(target: ActorRef, crashed: boolean): void {
    const watchers = this.#watchers.get(target.id);
    if (watchers === undefined) return;
    this.#watchers.delete(target.id);
    for (const watcher of watchers.values()) this.#tell(watcher, target, RuntimeLetter.down, crashed ? Down.crashed : Down.ended);
  }

  restarted(target: ActorRef): void {
    for (const watcher of this.#watchers.get(target.id)?.values() ?? []) {
      this.#tell(watcher, target, RuntimeLetter.restarted, 0);
    }
  }

  /** Watchers here hear of the end of what they watched there; watchers there are gone. */
  threadLost(thread: number): void {
    for (const [key, { target, watchers }] of this.#away) {
      if (target.thread !== thread) continue;
      this.#away.delete(key);
      for (const watcher of watchers.values()) this.#tell(watcher, target, RuntimeLetter.down, Down.threadLost);
    }
    for (const [targetId, watchers] of this.#watchers) {
      for (const [key, watcher] of watchers) if (watcher.thread === thread) watchers.delete(key);
      if (watchers.size === 0) this.#watchers.delete(targetId);
    }
  }

  #tell(watcher: ActorRef, about: ActorRef, type: number, a: number): void {
    const letter = new Letter(type);
    letter.sender = about;
    letter.a = a;
    this.#scheduler.tell(watcher, letter);
  }
}

function keyOf(ref: ActorRef): string {
  return `${ref.thread}/${ref.id}`;
}
