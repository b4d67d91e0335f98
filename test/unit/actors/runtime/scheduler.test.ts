/** One thread's scheduler with a host that keeps its runs and timers in a list: nothing happens before the test says so. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Actor, ActorContext } from '../../../../actors/runtime/actor.ts';
import { type ActorRef, Letter, RuntimeLetter } from '../../../../actors/runtime/letter.ts';
import { Scheduler } from '../../../../actors/runtime/scheduler.ts';

class Host {
  readonly waiting: (() => void)[] = [];
  readonly timers = new Map<object, () => void>();
  readonly crashes: string[] = [];
  readonly lost: number[] = [];

  nowMs(): number {
    return 0;
  }

  setTimer(_: number, callback: () => void): object {
    const timer = {};
    this.timers.set(timer, callback);
    return timer;
  }

  clearTimer(timer: object): void {
    this.timers.delete(timer);
  }

  soon(run: () => void): void {
    this.waiting.push(run);
  }

  undeliverable(_: ActorRef, letter: Letter): void {
    this.lost.push(letter.type);
  }

  crashed(group: string, id: number): void {
    this.crashes.push(`${group} ${id}`);
  }

  runAll(): void {
    for (let run = this.waiting.shift(); run !== undefined; run = this.waiting.shift()) run();
  }
}

/** Writes down what it reads, and crashes over letters of type CRASH. */
const CRASH = 0x666;

class Recorder implements Actor {
  readonly #context: ActorContext;
  readonly #log: string[];

  constructor(context: ActorContext, log: string[]) {
    this.#context = context;
    this.#log = log;
    log.push(`start ${context.self.generation}`);
  }

  receive(letter: Letter): void {
    this.#log.push(`${letter.type.toString(16)} a${letter.a}`);
    if (letter.type === CRASH && letter.a === 0) throw new Error('asked to');
    if (letter.type === 0x300) this.#context.watch({ thread: 0, id: letter.a, generation: 0 });
    if (letter.type === 0x301) this.#context.end('done');
    if (letter.type === 0x302) this.#context.armTimer(letter.a, 10);
  }

  endTurn(): void {
    this.#log.push('turn');
  }

  stop(reason: string): void {
    this.#log.push(`stop ${reason}`);
  }
}

function world(restart: 'transient' | 'temporary') {
  const host = new Host();
  const scheduler = new Scheduler(0, 1, host, undefined);
  const group = scheduler.group({
    name: 'actors',
    policy: { restart, shutdown: 100, kind: 'worker' },
    intensity: { restarts: 5, periodMs: 1000 },
    giveUp: 'mark',
    childrenMax: 10,
  });
  const logs = new Map<number, string[]>();
  const spawn = (id: number): ActorRef => {
    const log: string[] = [];
    logs.set(id, log);
    return scheduler.spawn(group, id, (context) => new Recorder(context, log));
  };
  const tell = (id: number, type: number, a = 0, generation = 0): void => {
    const letter = new Letter(type);
    letter.a = a;
    scheduler.tell({ thread: 0, id, generation }, letter);
  };
  return { host, scheduler, spawn, tell, log: (id: number) => logs.get(id)!.splice(0) };
}

const runtime = suite('scheduler');

runtime('reads letters in order, the runtime\'s own first, and ends the turn once', () => {
  const { host, spawn, tell, log } = world('transient');
  spawn(1);
  tell(1, 0x200, 1);
  tell(1, 0x200, 2);
  tell(1, RuntimeLetter.down, 3);
  host.runAll();
  assert.equal(log(1), ['start 1', '1 a3', '200 a1', '200 a2', 'turn']);
});

runtime('gives the letter in hand to the next incarnation, and puts it aside after three', () => {
  const { host, spawn, tell, log } = world('transient');
  spawn(1);
  tell(1, CRASH, 0);
  tell(1, 0x200, 1);
  host.runAll();
  assert.equal(log(1), ['start 1', '666 a0', 'start 2', '666 a0', 'start 3', '666 a0', 'start 4', '200 a1', 'turn']);
  assert.equal(host.lost, [CRASH]);
  assert.is(host.crashes.length, 3);
});

runtime('gives an incarnation a turn without a letter: the one before may have crashed at the end of its own', () => {
  const { host, scheduler, spawn, tell, log } = world('transient');
  spawn(1);
  const recorder = scheduler.actor(1)!;
  recorder.endTurn = () => {
    throw new Error('at the end of the turn');
  };
  tell(1, 0x200, 1);
  host.runAll();
  assert.equal(log(1), ['start 1', '200 a1', 'start 2', 'turn']);
  assert.is(host.crashes.length, 1);
});

runtime('drops letters to an earlier incarnation and to nobody', () => {
  const { host, spawn, tell, log } = world('transient');
  spawn(1);
  tell(1, CRASH, 0);
  host.runAll();
  log(1);
  tell(1, 0x200, 1, 1);
  tell(9, 0x201, 1);
  host.runAll();
  assert.equal(log(1), []);
  assert.equal(host.lost, [CRASH, 0x200, 0x201]);
});

runtime('tells watchers of a crash that is repaired and of an end, at once when it is over', () => {
  const { host, spawn, tell, log } = world('transient');
  spawn(1);
  spawn(2);
  tell(2, 0x300, 1);
  host.runAll();
  tell(1, CRASH, 0);
  host.runAll();
  assert.equal(log(2), ['start 1', '300 a1', 'turn', '2 a0', 'turn', '2 a0', 'turn', '2 a0', 'turn']);
  tell(1, 0x301);
  host.runAll();
  assert.equal(log(1).slice(-3), ['301 a0', 'turn', 'stop done']);
  assert.equal(log(2), ['1 a0', 'turn']);
  tell(2, 0x300, 1);
  host.runAll();
  assert.equal(log(2).filter((line) => line !== 'turn'), ['300 a1', '1 a0']);
});

runtime('does not start a temporary actor again: its watchers hear, its letters are nobody\'s', () => {
  const { host, spawn, tell, log } = world('temporary');
  spawn(1);
  spawn(2);
  tell(2, 0x300, 1);
  host.runAll();
  tell(1, CRASH, 0);
  tell(1, 0x200, 1);
  host.runAll();
  assert.equal(log(1), ['start 1', '666 a0', 'stop crashed']);
  assert.equal(log(2).slice(-2), ['1 a1', 'turn']);
  assert.equal(host.lost, [CRASH, 0x200]);
});

runtime('gives one timer for each key, and none after the end of an incarnation', () => {
  const { host, spawn, tell, log } = world('transient');
  spawn(1);
  tell(1, 0x302, 7);
  tell(1, 0x302, 7);
  tell(1, 0x302, 8);
  host.runAll();
  assert.is(host.timers.size, 2);
  for (const [timer, fire] of [...host.timers]) {
    host.timers.delete(timer);
    fire();
  }
  host.runAll();
  assert.equal(log(1).slice(-3), ['3 a7', '3 a8', 'turn']);
  tell(1, 0x302, 7);
  host.runAll();
  tell(1, CRASH, 0);
  host.runAll();
  assert.is(host.timers.size, 0);
});

runtime('protects a step from outside like a letter', () => {
  const { host, scheduler, spawn, log } = world('transient');
  spawn(1);
  scheduler.enter(1, () => {
    throw new Error('asked to');
  });
  host.runAll();
  assert.equal(log(1), ['start 1', 'start 2', 'turn']);
  scheduler.enter(1, (actor) => actor.receive(new Letter(0x200)));
  assert.equal(log(1), ['200 a0', 'turn']);
});

runtime('lets every actor have its turn while one is busy', () => {
  const { host, spawn, tell, log } = world('transient');
  spawn(1);
  spawn(2);
  for (let one = 0; one < 200; one++) tell(1, 0x200, one);
  tell(2, 0x200, 1);
  const [run] = host.waiting.splice(0, 1);
  run!();
  assert.equal(log(2), ['start 1', '200 a1', 'turn']);
  assert.is(log(1).filter((line) => line === 'turn').length, 4, 'turns of at most 64 letters');
});

runtime.run();
