/**
 * A reference for the ordered supervisor, written the way Erlang/OTP's is: one process with a mailbox that *blocks* in the
 * middle of what it does, and picks from the mailbox only what it waits for. A generator plays the process; what it yields is
 * the pattern it waits for. It shares no code with the supervisor under test, only the types of the port, and spares no effort:
 * lists are searched, the whole history of restarts is kept.
 */
import type { ChildId, ChildSpec } from '../../../actors/runtime/supervision/child-spec.ts';
import type { ExitReason } from '../../../actors/runtime/supervision/exit-reason.ts';
import type { SupervisorOptions } from '../../../actors/runtime/supervision/supervisor.ts';
import type { Refusal, SupervisorPort } from '../../../actors/runtime/supervision/supervisor-port.ts';

type Child = { spec: ChildSpec; pid: number | 'undefined' | 'restarting'; last: ExitReason | null };
type Verb = 'start_child' | 'terminate_child' | 'restart_child' | 'delete_child';
type Letter =
  | { tag: 'started' | 'failed' | 'EXIT'; id: ChildId; pid: number; reason: ExitReason }
  | { tag: 'timeout'; id: ChildId; epoch: number }
  | { tag: 'call'; request: number; verb: Verb; spec: ChildSpec }
  | { tag: 'try_again'; id: ChildId }
  | { tag: 'begin' | 'stop' };
type Process<T> = Generator<(letter: Letter) => boolean, T, Letter>;

const NOBODY: ExitReason = { kind: 'normal', text: '' };

export class OtpSupervisorModel {
  readonly #port: SupervisorPort;
  readonly #options: SupervisorOptions;
  #children: Child[];
  #mailbox: Letter[] = [];
  #restartTimes: number[] = [];
  #lastPid = new Map<ChildId, number>();
  #forgottenPid = 0;
  #epoch = 0;
  #process: Process<void>;
  #wanted: ((letter: Letter) => boolean) | null = null;
  #running = false;

  constructor(options: SupervisorOptions, port: SupervisorPort) {
    this.#options = options;
    this.#port = port;
    this.#children = options.children.map((spec) => ({ spec, pid: 'undefined', last: null }));
    this.#process = this.#main();
  }

  start(): void {
    this.#wanted = () => true;
    this.#post({ tag: 'begin' });
  }
  shutdown(): void {
    this.#post({ tag: 'stop' });
  }
  started(id: ChildId, pid: number): void {
    this.#post({ tag: 'started', id, pid, reason: NOBODY });
  }
  startFailed(id: ChildId, pid: number, reason: ExitReason): void {
    this.#post({ tag: 'failed', id, pid, reason });
  }
  exited(id: ChildId, pid: number, reason: ExitReason): void {
    this.#post({ tag: 'EXIT', id, pid, reason });
  }
  timerFired(id: ChildId, epoch: number): void {
    this.#post({ tag: 'timeout', id, epoch });
  }
  startChild(request: number, spec: ChildSpec): void {
    this.#post({ tag: 'call', request, verb: 'start_child', spec });
  }
  terminateChild(request: number, id: ChildId): void {
    this.#call(request, 'terminate_child', id);
  }
  restartChild(request: number, id: ChildId): void {
    this.#call(request, 'restart_child', id);
  }
  deleteChild(request: number, id: ChildId): void {
    this.#call(request, 'delete_child', id);
  }

  #call(request: number, verb: Verb, id: ChildId): void {
    this.#post({ tag: 'call', request, verb, spec: { id, restart: 'temporary', shutdown: 'brutal', kind: 'worker' } });
  }

  #post(letter: Letter): void {
    if (this.#wanted === null) {
      if (letter.tag === 'call') this.#refuse(letter.request, 'ended');
      return;
    }
    this.#mailbox.push(letter);
    this.#deliver();
  }

  /** Hands the process letters it waits for until there is none. A letter written while the process runs waits its turn. */
  #deliver(): void {
    while (!this.#running && this.#wanted !== null) {
      const index = this.#mailbox.findIndex(this.#wanted);
      const letter = this.#mailbox[index];
      if (letter === undefined) return;
      this.#mailbox.splice(index, 1);
      this.#run(letter);
    }
  }

  #run(letter: Letter): void {
    this.#running = true;
    const step = this.#process.next(letter);
    this.#running = false;
    this.#wanted = step.done === true ? null : step.value;
  }

  *#main(): Process<void> {
    const failed = yield* this.#startAll(this.#children);
    if (failed !== null) {
      const last = failed.last ?? NOBODY;
      yield* this.#terminate(this.#children);
      return this.#leave(`child ${failed.spec.id} failed to start, ${last.kind}${last.text === '' ? '' : `: ${last.text}`}`);
    }
    this.#port.ready();
    for (;;) {
      const letter = yield () => true;
      let reason: string | null = null;
      if (letter.tag === 'stop') reason = '';
      else if (letter.tag === 'EXIT') reason = yield* this.#handleExit(letter.id, letter.pid, letter.reason);
      else if (letter.tag === 'try_again') {
        const child = this.#find(letter.id);
        if (child?.pid === 'restarting') reason = yield* this.#restart(child);
      } else if (letter.tag === 'call') yield* this.#handleCall(letter.request, letter.verb, letter.spec);
      if (reason !== null) {
        yield* this.#terminate(this.#children);
        return this.#leave(reason);
      }
    }
  }

  #leave(text: string): void {
    this.#port.escalate({ kind: 'shutdown', text });
    for (const letter of this.#mailbox) if (letter.tag === 'call') this.#refuse(letter.request, 'ended');
  }

  *#handleExit(id: ChildId, pid: number, reason: ExitReason): Process<string | null> {
    const child = this.#find(id);
    if (child === undefined || child.pid !== pid) return null;
    child.last = reason;
    if (child.spec.restart === 'permanent') return yield* this.#restart(child);
    if (child.spec.restart === 'transient' && reason.kind === 'crash') return yield* this.#restart(child);
    this.#drop(child);
    return null;
  }

  *#restart(child: Child): Process<string | null> {
    const now = this.#port.now();
    this.#restartTimes.push(now);
    const recent = this.#restartTimes.filter((time) => now <= time + this.#options.intensity.periodMs);
    if (recent.length > this.#options.intensity.restarts) {
      this.#drop(child);
      const last = child.last;
      const told = last === null ? '' : `, last ${last.kind}${last.text === '' ? '' : `: ${last.text}`}`;
      return `too many restarts: child ${child.spec.id}${told}`;
    }
    const position = this.#children.indexOf(child);
    const { strategy } = this.#options;
    child.pid = 'undefined';
    let group = [child];
    if (strategy === 'one-for-all') group = this.#children;
    if (strategy === 'rest-for-one') group = this.#children.filter((_, index) => index >= position);
    const again = yield* this.#terminate(group);
    const failed = yield* this.#startAll(again);
    if (failed !== null) {
      failed.pid = 'restarting';
      this.#mailbox.push({ tag: 'try_again', id: failed.spec.id });
    }
    return null;
  }

  /** Starts in order; answers the child that failed, or null. */
  *#startAll(children: Child[]): Process<Child | null> {
    for (const child of [...children]) if (!(yield* this.#startOne(child))) return child;
    return null;
  }

  *#startOne(child: Child): Process<boolean> {
    const { id } = child.spec;
    const pid = (this.#lastPid.get(id) ?? this.#forgottenPid) + 1;
    this.#lastPid.set(id, pid);
    this.#port.start(id, child.spec, pid);
    const letter = yield (l) => (l.tag === 'started' || l.tag === 'failed' || l.tag === 'EXIT') && l.id === id && l.pid === pid;
    if (letter.tag === 'started') {
      child.pid = pid;
      return true;
    }
    if (letter.tag === 'failed' || letter.tag === 'EXIT') child.last = letter.reason;
    child.pid = 'undefined';
    return false;
  }

  /** Stops in reverse order; answers what may be started again, in start order. */
  *#terminate(children: Child[]): Process<Child[]> {
    const kept: Child[] = [];
    for (const child of [...children].reverse()) {
      if (typeof child.pid === 'number') yield* this.#shutdownOne(child, child.pid);
      this.#drop(child);
      if (child.spec.restart !== 'temporary') kept.unshift(child);
    }
    return kept;
  }

  *#shutdownOne(child: Child, pid: number): Process<void> {
    const { id, shutdown } = child.spec;
    const isDown = (l: Letter): boolean => l.tag === 'EXIT' && l.id === id && l.pid === pid;
    const dead = this.#mailbox.find(isDown);
    if (dead !== undefined) {
      this.#mailbox = this.#mailbox.filter((letter) => letter !== dead);
      if (dead.tag === 'EXIT') child.last = dead.reason;
      return;
    }
    let epoch = -1;
    if (shutdown === 'brutal') this.#port.kill(id, pid);
    else {
      epoch = ++this.#epoch;
      if (shutdown !== 'infinity') this.#port.armTimer(id, shutdown, epoch);
      this.#port.stop(id, pid, shutdown === 'infinity' ? Infinity : shutdown);
    }
    let letter = yield (l) => isDown(l) || (l.tag === 'timeout' && l.id === id && l.epoch === epoch);
    if (letter.tag === 'timeout') {
      this.#port.kill(id, pid);
      letter = yield isDown;
    }
    if (letter.tag === 'EXIT') child.last = letter.reason;
  }

  *#handleCall(request: number, verb: Verb, spec: ChildSpec): Process<void> {
    const child = this.#find(spec.id);
    if (verb === 'start_child') {
      if (child !== undefined) return this.#refuse(request, typeof child.pid === 'number' ? 'already-started' : 'already-present');
      const fresh: Child = { spec, pid: 'undefined', last: null };
      this.#children.push(fresh);
      const stands = yield* this.#startOne(fresh);
      this.#reply(request, fresh, stands);
      if (!stands) this.#erase(fresh);
      return;
    }
    if (child === undefined) return this.#refuse(request, 'not-found');
    if (verb === 'terminate_child') {
      const generation = this.#lastPid.get(spec.id) ?? this.#forgottenPid;
      yield* this.#terminate([child]);
      return this.#port.answer(request, { kind: 'done', generation });
    }
    if (child.pid === 'restarting') return this.#refuse(request, 'restarting');
    if (child.pid !== 'undefined') return this.#refuse(request, 'running');
    if (verb === 'delete_child') {
      this.#reply(request, child, true);
      return this.#erase(child);
    }
    this.#reply(request, child, yield* this.#startOne(child));
  }

  #reply(request: number, child: Child, stands: boolean): void {
    const generation = this.#lastPid.get(child.spec.id) ?? this.#forgottenPid;
    if (stands) this.#port.answer(request, { kind: 'done', generation });
    else this.#port.answer(request, { kind: 'start-failed', reason: child.last ?? NOBODY });
  }

  #refuse(request: number, why: Refusal): void {
    this.#port.answer(request, { kind: 'refused', why });
  }

  #find(id: ChildId): Child | undefined {
    return this.#children.find((child) => child.spec.id === id);
  }

  #drop(child: Child): void {
    child.pid = 'undefined';
    if (child.spec.restart === 'temporary') this.#erase(child);
  }

  #erase(child: Child): void {
    this.#children = this.#children.filter((other) => other !== child);
    this.#forgottenPid = Math.max(this.#forgottenPid, this.#lastPid.get(child.spec.id) ?? 0);
    this.#lastPid.delete(child.spec.id);
  }
}
