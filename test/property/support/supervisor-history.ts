/**
 * Plays one random history against a supervisor and its reference at the same time. The history is a string of bytes, so that
 * fast-check can shorten it; each step takes two of them. The world around the supervisor (incarnations being started, alive,
 * or asked to stop; timers; the clock) follows from the effects, so that nearly every input means something.
 */
import type { ChildId, ChildSpec } from '../../../actors/runtime/supervision/child-spec.ts';
import type { ExitReason } from '../../../actors/runtime/supervision/exit-reason.ts';
import type { SupervisorPort } from '../../../actors/runtime/supervision/supervisor-port.ts';

/** What both the supervisor and the reference can be told. */
export type Supervised = {
  start(): void;
  shutdown(): void;
  started(id: ChildId, generation: number): void;
  startFailed(id: ChildId, generation: number, reason: ExitReason): void;
  exited(id: ChildId, generation: number, reason: ExitReason): void;
  timerFired(key: ChildId, epoch: number): void;
  startChild(request: number, spec: ChildSpec): void;
  terminateChild(request: number, id: ChildId): void;
  restartChild(request: number, id: ChildId): void;
  deleteChild(request: number, id: ChildId): void;
};

/** A byte stream that decides everything; past its end it says 0. */
export class Choices {
  readonly #bytes: Uint8Array;
  #next = 0;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  get left(): boolean {
    return this.#next < this.#bytes.length;
  }
  below(limit: number): number {
    return (this.#bytes[this.#next++] ?? 0) % limit;
  }
  of<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length || 1)];
  }
}

/** The names children may have; few, so that they are used again. */
export const NAMES: readonly ChildId[] = ['a', 'b', 'c', 'd', 'e', 6];

const EXITS: readonly ExitReason[] = [
  { kind: 'crash', text: 'boom' },
  { kind: 'normal', text: '' },
  { kind: 'shutdown', text: '' },
  { kind: 'crash', text: '' },
  { kind: 'crash', text: 'lost' },
  { kind: 'shutdown', text: 'asked' },
];

export function chooseSpec(choices: Choices, id: ChildId): ChildSpec {
  return {
    id,
    restart: choices.of(['permanent', 'transient', 'temporary'] as const) ?? 'permanent',
    shutdown: choices.of([50, 'brutal', 'infinity', 200] as const) ?? 50,
    kind: 'worker',
  };
}

type Incarnation = { readonly id: ChildId; readonly generation: number };
type Timer = { readonly key: ChildId; readonly epoch: number };

/** One side: its effects as lines, and what the world looks like to it. */
class Side {
  readonly lines: string[] = [];
  starting: Incarnation[] = [];
  alive: Incarnation[] = [];
  asked: Incarnation[] = [];
  ended: Incarnation[] = [];
  timers: Timer[] = [];
  nowMs = 0;
  supervised: Supervised | null = null;
  readonly #instant: number;

  /** `instant`: of ten starts, how many are answered while the effect is still being emitted; up to two of them with a failure. */
  constructor(instant: number) {
    this.#instant = instant;
  }

  readonly port: SupervisorPort = {
    start: (id, policy, generation) => {
      this.lines.push(`start ${id} ${generation} ${policy.restart}`);
      const lot = (generation * 7 + String(id).charCodeAt(0)) % 10;
      if (lot >= this.#instant) this.starting.push({ id, generation });
      else if (lot === 2 || lot === 9) this.supervised?.startFailed(id, generation, { kind: 'crash', text: 'instantly' });
      else {
        this.alive.push({ id, generation });
        this.supervised?.started(id, generation);
      }
    },
    stop: (id, generation, timeoutMs) => {
      this.lines.push(`stop ${id} ${generation} ${timeoutMs}`);
      this.asked.push({ id, generation });
    },
    kill: (id, generation) => {
      this.lines.push(`kill ${id} ${generation}`);
      if (this.#instant > 5) this.end({ id, generation }, { kind: 'crash', text: 'killed' });
      else this.asked.push({ id, generation });
    },
    ready: () => this.lines.push('ready'),
    escalate: (reason) => this.lines.push(`escalate ${reason.kind} ${reason.text}`),
    childMarked: (id, reason) => this.lines.push(`marked ${id} ${reason.kind} ${reason.text}`),
    answer: (request, outcome) => this.lines.push(`answer ${request} ${JSON.stringify(outcome)}`),
    now: () => this.nowMs,
    armTimer: (key, ms, epoch) => {
      this.lines.push(`arm ${key} ${ms} ${epoch}`);
      this.timers.push({ key, epoch });
    },
  };

  end(incarnation: Incarnation, reason: ExitReason): void {
    const isOther = (other: Incarnation): boolean => other.id !== incarnation.id || other.generation !== incarnation.generation;
    this.starting = this.starting.filter(isOther);
    this.alive = this.alive.filter(isOther);
    this.asked = this.asked.filter(isOther);
    this.ended.push(incarnation);
    this.supervised?.exited(incarnation.id, incarnation.generation, reason);
  }

  answerStart(incarnation: Incarnation, failed: boolean, reason: ExitReason): void {
    this.starting = this.starting.filter((other) => other !== incarnation);
    if (failed) this.ended.push(incarnation);
    if (failed) return this.supervised?.startFailed(incarnation.id, incarnation.generation, reason);
    this.alive.push(incarnation);
    this.supervised?.started(incarnation.id, incarnation.generation);
  }
}

/** Makes one side's supervisor around its port. */
export type Maker = (port: SupervisorPort) => Supervised;

/**
 * Plays the history; throws at the first step after which the effects differ, with both conversations. Answers the effects, one
 * a line.
 */
export function playHistory(choices: Choices, makeSubject: Maker, makeReference: Maker): readonly string[] {
  const instant = choices.of([0, 0, 0, 0, 3, 7, 10]) ?? 0;
  const sides = [new Side(instant), new Side(instant)] as const;
  const [subject, reference] = sides;
  subject.supervised = makeSubject(subject.port);
  reference.supervised = makeReference(reference.port);
  for (const side of sides) side.supervised?.start();
  compare(subject, reference);
  for (let step = 0; choices.left; step++) {
    const play = chooseStep(choices, subject, step);
    for (const side of sides) play(side, side.supervised as Supervised);
    compare(subject, reference);
  }
  return subject.lines;
}

function compare(subject: Side, reference: Side): void {
  const from = Math.min(subject.lines.length, reference.lines.length);
  let same = subject.lines.length === reference.lines.length;
  for (let index = from - 1; same && index >= 0; index--) same = subject.lines[index] === reference.lines[index];
  if (same) return;
  throw new Error(`supervisor:\n  ${subject.lines.join('\n  ')}\nreference:\n  ${reference.lines.join('\n  ')}`);
}

type Step = (side: Side, supervised: Supervised) => void;

function chooseStep(choices: Choices, world: Side, step: number): Step {
  const kind = choices.below(32);
  const reason = choices.of(EXITS) ?? { kind: 'normal', text: '' };
  const name = choices.of(NAMES) ?? 'a';
  const pick = choices.below(256);
  if (kind < 9 && world.starting.length > 0) {
    const index = pick % world.starting.length;
    return (side) => side.answerStart(side.starting[index] as Incarnation, kind === 0, reason);
  }
  if (kind < 14 && world.asked.length > 0) {
    const index = pick % world.asked.length;
    return (side) => side.end(side.asked[index] as Incarnation, reason);
  }
  if (kind < 22 && world.alive.length > 0) {
    const index = pick % world.alive.length;
    return (side) => side.end(side.alive[index] as Incarnation, reason);
  }
  if (kind < 24 && world.timers.length > 0) {
    const index = pick % world.timers.length;
    return (side, supervised) => supervised.timerFired(side.timers[index]?.key ?? '', side.timers[index]?.epoch ?? 0);
  }
  if (kind === 24 || kind === 31) return (side) => void (side.nowMs += pick * 2);
  // Letters about incarnations that are no longer, or never were. (About those to come nobody can know.)
  const stale = world.ended[pick % (world.ended.length || 1)] ?? { id: name, generation: 1_000_000 };
  if (kind === 25) return (_, supervised) => supervised.exited(stale.id, stale.generation, reason);
  if (kind === 26 && pick < 128) return (_, supervised) => supervised.started(stale.id, stale.generation);
  if (kind === 26) return (_, supervised) => supervised.startFailed(stale.id, stale.generation, reason);
  if (kind === 27) return (_, supervised) => supervised.terminateChild(step, name);
  if (kind === 28) return (_, supervised) => supervised.restartChild(step, name);
  if (kind === 29) return (_, supervised) => supervised.deleteChild(step, name);
  if (kind === 30 && pick < 20) return (_, supervised) => supervised.shutdown();
  const spec = chooseSpec(new Choices(Uint8Array.of(pick, pick >> 4)), name);
  return (_, supervised) => supervised.startChild(step, spec);
}
