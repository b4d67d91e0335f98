/**
 * A reference for the dynamic supervisor: every child is a small blocking process of its own, told in the order in which things
 * happen to it. Shares no code with the supervisor under test, only the types of the port.
 */
import type { ChildId } from '../../../actors/runtime/supervision/child-spec.ts';
import type { DynamicSupervisorOptions } from '../../../actors/runtime/supervision/dynamic-supervisor.ts';
import type { ExitReason } from '../../../actors/runtime/supervision/exit-reason.ts';
import type { Refusal, RequestOutcome, SupervisorPort } from '../../../actors/runtime/supervision/supervisor-port.ts';

type Letter =
  | { tag: 'started' }
  | { tag: 'failed' | 'exit'; reason: ExitReason }
  | { tag: 'terminate' | 'restart'; request: number }
  | { tag: 'end' }
  | { tag: 'timeout'; epoch: number | 'group' };
type Life = Generator<void, void, Letter>;
type Keeper = { id: ChildId; pid: number; phase: 'starting' | 'running' | 'restarting' | 'crashed' | 'stopping'; life: Life };

const same = (tag: string, ...tags: string[]): boolean => tags.includes(tag);

export class DynamicSupervisorModel {
  readonly #port: SupervisorPort;
  readonly #options: DynamicSupervisorOptions;
  #keepers: Keeper[] = [];
  #groupTimes: number[] = [];
  #forgottenPid = 0;
  #epoch = 0;
  #groupEpoch = -1;
  #ending: string | null = null;
  #isOver = false;
  #letters: (() => void)[] = [];
  #busy = false;

  constructor(options: DynamicSupervisorOptions, port: SupervisorPort) {
    this.#options = options;
    this.#port = port;
  }

  start(): void {
    this.#port.ready();
  }
  shutdown(): void {
    this.#later(() => this.#end(''));
  }
  started(id: ChildId, pid: number): void {
    this.#post(id, pid, { tag: 'started' });
  }
  startFailed(id: ChildId, pid: number, reason: ExitReason): void {
    this.#post(id, pid, { tag: 'failed', reason });
  }
  exited(id: ChildId, pid: number, reason: ExitReason): void {
    this.#post(id, pid, { tag: 'exit', reason });
  }
  timerFired(key: ChildId, epoch: number): void {
    this.#later(() => {
      if (key !== '') this.#tell(this.#find(key), { tag: 'timeout', epoch });
      else if (epoch === this.#groupEpoch) for (const keeper of [...this.#keepers]) this.#tell(keeper, { tag: 'timeout', epoch: 'group' });
    });
  }
  startChild(request: number, id: ChildId): void {
    this.#later(() => {
      const present = this.#find(id);
      if (this.#ending !== null) this.#refuse(request, 'ended');
      else if (present !== undefined) this.#refuse(request, present.phase === 'crashed' ? 'already-present' : 'already-started');
      else if (this.#keepers.length === this.#options.childrenMax) this.#refuse(request, 'full');
      else {
        const keeper: Partial<Keeper> & { id: ChildId } = { id, pid: this.#forgottenPid, phase: 'starting' };
        keeper.life = this.#live(keeper as Keeper, request);
        this.#keepers.push(keeper as Keeper);
        keeper.life.next();
      }
    });
  }
  terminateChild(request: number, id: ChildId): void {
    this.#later(() => {
      const keeper = this.#find(id);
      if (this.#ending !== null) this.#refuse(request, 'ended');
      else if (keeper === undefined) this.#refuse(request, 'not-found');
      else this.#tell(keeper, { tag: 'terminate', request });
    });
  }
  restartChild(request: number, id: ChildId): void {
    this.#later(() => {
      const keeper = this.#find(id);
      if (this.#ending !== null) this.#refuse(request, 'ended');
      else if (keeper === undefined) this.#refuse(request, 'not-found');
      else if (keeper.phase === 'crashed') this.#tell(keeper, { tag: 'restart', request });
      else this.#refuse(request, keeper.phase === 'restarting' ? 'restarting' : 'running');
    });
  }

  *#live(me: Keeper, first: number): Life {
    const { policy, giveUp } = this.#options;
    let asker: number | null = first;
    let revived = false;
    let times: number[] = [];
    for (;;) {
      me.pid += 1;
      this.#port.start(me.id, policy, me.pid);
      let letter = yield* this.#next('started', 'failed', 'exit', 'terminate', 'end');
      if (letter.tag === 'started') {
        me.phase = 'running';
        if (asker !== null) this.#port.answer(asker, { kind: 'done', generation: me.pid });
        letter = yield* this.#next('exit', 'terminate', 'end');
      } else if (asker !== null) {
        let outcome: RequestOutcome = { kind: 'refused', why: 'ended' };
        if (letter.tag === 'terminate') outcome = { kind: 'start-failed', reason: { kind: 'shutdown', text: 'terminated' } };
        if (letter.tag === 'failed' || letter.tag === 'exit') outcome = { kind: 'start-failed', reason: letter.reason };
        this.#port.answer(asker, outcome);
      }
      if (letter.tag === 'terminate' || letter.tag === 'end') return yield* this.#die(me, letter);
      const reason = letter.tag === 'exit' || letter.tag === 'failed' ? letter.reason : null;
      let down = asker !== null && me.phase !== 'running';
      if (down && !revived) return this.#bury(me);
      if (!down) {
        const wanted = policy.restart === 'permanent' || (policy.restart === 'transient' && reason?.kind === 'crash');
        // An attempt to come back that fails is made again, whatever the reason.
        if (me.phase === 'running' && !wanted) return this.#bury(me);
        const now = this.#port.now();
        const counted = giveUp === 'mark' ? times : this.#groupTimes;
        counted.push(now);
        down = counted.filter((time) => time >= now - this.#options.intensity.periodMs).length > this.#options.intensity.restarts;
        if (down && giveUp === 'mark') this.#port.childMarked(me.id, reason ?? { kind: 'normal', text: '' });
        if (down && giveUp === 'escalate') {
          this.#keepers = this.#keepers.filter((keeper) => keeper !== me);
          const told = `${reason?.kind ?? ''}${reason === null || reason.text === '' ? '' : `: ${reason.text}`}`;
          return this.#end(`too many restarts: child ${me.id}, last ${told}`);
        }
      }
      asker = null;
      if (!down) me.phase = 'restarting';
      else {
        me.phase = 'crashed';
        const order = yield* this.#next('restart', 'terminate', 'end');
        if (order.tag === 'terminate') this.#port.answer(order.request, { kind: 'done', generation: me.pid });
        if (order.tag !== 'restart') return this.#bury(me);
        asker = order.request;
        me.phase = 'starting';
        revived = true;
        times = [];
      }
    }
  }

  *#die(me: Keeper, order: Letter): Life {
    const askers = order.tag === 'terminate' ? [order.request] : [];
    const { shutdown } = this.#options.policy;
    let epoch = -1;
    me.phase = 'stopping';
    let killed = shutdown === 'brutal';
    if (shutdown === 'brutal') this.#port.kill(me.id, me.pid);
    else {
      if (order.tag === 'terminate' && shutdown !== 'infinity') {
        epoch = ++this.#epoch;
        this.#port.armTimer(me.id, shutdown, epoch);
      }
      this.#port.stop(me.id, me.pid, shutdown === 'infinity' ? Infinity : shutdown);
    }
    for (;;) {
      const letter = yield* this.#next('failed', 'exit', 'terminate', 'timeout');
      if (letter.tag === 'terminate') askers.push(letter.request);
      else if (letter.tag === 'timeout') {
        if (!killed && (letter.epoch === 'group' || letter.epoch === epoch)) {
          killed = true;
          this.#port.kill(me.id, me.pid);
        }
      } else break;
    }
    for (const asker of askers) this.#port.answer(asker, { kind: 'done', generation: me.pid });
    this.#bury(me);
  }

  *#next(...tags: string[]): Generator<void, Letter, Letter> {
    for (;;) {
      const letter = yield;
      if (same(letter.tag, ...tags)) return letter;
    }
  }

  #end(text: string): void {
    if (this.#ending !== null) return;
    this.#ending = text;
    const { shutdown } = this.#options.policy;
    // A child that has just given up still stands in the group when the timer is armed.
    if (typeof shutdown === 'number' && (this.#keepers.length > 0 || text !== '')) {
      this.#groupEpoch = ++this.#epoch;
      this.#port.armTimer('', shutdown, this.#groupEpoch);
    }
    for (const keeper of [...this.#keepers]) this.#tell(keeper, { tag: 'end' });
    this.#leaveWhenEmpty();
  }

  #bury(me: Keeper): void {
    this.#keepers = this.#keepers.filter((keeper) => keeper !== me);
    this.#forgottenPid = Math.max(this.#forgottenPid, me.pid);
    if (this.#ending !== null) this.#leaveWhenEmpty();
  }

  #leaveWhenEmpty(): void {
    if (this.#isOver || this.#keepers.length > 0) return;
    this.#isOver = true;
    this.#port.escalate({ kind: 'shutdown', text: this.#ending ?? '' });
  }

  #post(id: ChildId, pid: number, letter: Letter): void {
    this.#later(() => {
      const keeper = this.#find(id);
      if (keeper?.pid === pid) this.#tell(keeper, letter);
    });
  }

  #tell(keeper: Keeper | undefined, letter: Letter): void {
    keeper?.life.next(letter);
  }

  #later(step: () => void): void {
    this.#letters.push(step);
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#letters.shift(); next !== undefined; next = this.#letters.shift()) next();
    this.#busy = false;
  }

  #find(id: ChildId): Keeper | undefined {
    return this.#keepers.find((keeper) => keeper.id === id);
  }

  #refuse(request: number, why: Refusal): void {
    this.#port.answer(request, { kind: 'refused', why });
  }
}
