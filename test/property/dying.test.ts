/**
 * Histories of a queue whose messages die, with crashes among its changes, any of them: what died is dying until it is buried, for the same
 * reason, and nothing is anywhere else or nowhere. Each of the mistakes below is one that the histories find.
 */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DropReason } from '../../src/broker/queue/dying.ts';
import { ACCEPTED, DROPPED, SETTLED } from '../../src/broker/queue/ledger-layout.ts';
import { type QueueMachine, Settle } from '../../src/broker/queue/queue-machine.ts';
import { Crash, CrashingMemory } from './support/crashing-memory.ts';
import { dumpLedger } from './support/ledger-dump.ts';
import type { SourceChange } from '../support/source-change.ts';
import { type QueueModule, SMALL, loadSmallQueue } from './support/queue-copy.ts';
import { specOf } from './support/queue-commands.ts';

const RUNS = 500;
const CONTROL_RUNS = 2000;
const SPEC = specOf({ connection: 1, channel: 1 });

type Step =
  | { readonly type: 'publish' | 'get' | 'reject' | 'acknowledge' | 'drop' | 'take' | 'bury'; readonly count: number }
  | { readonly type: 'take back' }
  | { readonly type: 'crash'; readonly changes: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constantFrom('publish', 'get', 'reject', 'acknowledge', 'drop', 'take', 'bury'), count: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ type: fc.constant('take back' as const) }),
  fc.record({ type: fc.constant('crash' as const), changes: fc.nat(40) }),
);

/** The queue, and where every message is, by position. */
class World {
  readonly #memory = new CrashingMemory(2 ** SMALL.chunkShift);
  readonly #module: QueueModule;
  #machine: QueueMachine;
  readonly #places = new Map<number, 'ready' | 'unsettled' | 'over' | DropReason>();
  /** Dying messages that wait, and those that were taken, in their order. */
  #waiting: number[] = [];
  #taken: number[] = [];
  #crashes = 0;
  /** What the change in hand may have done, or not: where a message may stand after a crash. */
  #doubt: readonly [position: number, place: 'over' | DropReason] | undefined = undefined;

  constructor(module: QueueModule) {
    this.#module = module;
    this.#machine = this.#make();
    this.#machine.create();
  }

  #make(): QueueMachine {
    const port = { keptGone: () => {}, keptReturned: () => {}, deliver: (_: unknown, __: number, position: number) => void this.#places.set(position, 'unsettled') };
    return new this.#module.QueueMachine(this.#memory, 0, { title: 'a queue', singleActiveConsumer: false, deadLetters: true }, port);
  }

  run(history: readonly Step[]): void {
    for (const each of history) {
      try {
        this.#take(each);
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        this.#restart();
      }
      this.#doubt = undefined;
      this.#check();
    }
  }

  #take(each: Step): void {
    if (each.type === 'crash') return this.#memory.lightFuse(each.changes);
    if (each.type === 'take back') {
      this.#machine.dying!.takeBack(this.#taken);
      this.#waiting.unshift(...this.#taken);
      this.#taken = [];
      return;
    }
    for (let left = each.count; left > 0; left--) this.#one(each.type);
  }

  #one(type: Exclude<Step['type'], 'crash' | 'take back'>): void {
    const machine = this.#machine;
    const dying = machine.dying!;
    const [unsettled] = [...this.#places].find(([, place]) => place === 'unsettled') ?? [];
    const [ready] = [...this.#places].find(([, place]) => place === 'ready') ?? [];
    switch (type) {
      case 'publish': {
        const position = machine.tail;
        machine.publish(this.#memory.message());
        this.#places.set(position, 'ready');
        return;
      }
      case 'get':
        if (ready !== undefined) machine.get(machine.consumers.getter(SPEC));
        return;
      case 'reject':
        return this.#die(unsettled, 'rejected', (position) => machine.settle(position, Settle.discard, SPEC.connection));
      case 'drop':
        return this.#die(ready, 'maxlen', () => machine.dropHead('maxlen'));
      case 'acknowledge':
        return this.#end(unsettled, (position) => machine.settle(position, Settle.ack, SPEC.connection));
      case 'take':
        if (dying.waiting === 0) return;
        assert.is(dying.next, this.#waiting[0], 'the order of death');
        this.#taken.push(dying.take());
        this.#waiting.shift();
        return;
      case 'bury':
        return this.#end(this.#taken[0], (position) => {
          dying.bury(position);
          this.#taken.shift();
        });
    }
  }

  #die(position: number | undefined, reason: DropReason, take: (position: number) => void): void {
    if (position === undefined) return;
    this.#doubt = [position, reason];
    take(position);
    this.#places.set(position, reason);
    this.#waiting.push(position);
  }

  #end(position: number | undefined, take: (position: number) => void): void {
    if (position === undefined) return;
    this.#doubt = [position, 'over'];
    take(position);
    this.#places.set(position, 'over');
  }

  #restart(): void {
    this.#crashes++;
    this.#memory.quench();
    this.#machine = this.#make();
    this.#machine.recover();
    const dying = new Set(this.#machine.dying!.positions());
    if (this.#doubt !== undefined) {
      const [position, place] = this.#doubt;
      const isDone = place === 'over' ? !this.#isThere(position) : dying.has(position);
      if (isDone) this.#places.set(position, place);
    }
    for (const [position, place] of this.#places) if (place === 'unsettled') this.#places.set(position, 'ready');
    // The tail had passed it.
    if (((this.#machine.tail - this.#places.size) | 0) === 1) this.#places.set((this.#machine.tail - 1) | 0, 'ready');
    this.#waiting = [...dying].sort((a, b) => a - b);
    this.#taken = [];
  }

  #isThere(position: number): boolean {
    return dumpLedger(this.#memory, SMALL.chunkShift).some((each) => each.position === position);
  }

  #check(): void {
    const machine = this.#machine;
    const places = [...this.#places];
    const of = (...wanted: readonly string[]): number[] => places.filter(([, place]) => wanted.includes(place)).map(([position]) => position);
    const dying = of('rejected', 'maxlen');
    assert.is(machine.ready, of('ready').length, 'ready');
    assert.is(machine.unsettled, of('unsettled').length, 'unsettled');
    assert.is(machine.dying!.count, dying.length, 'dying');
    assert.is(machine.dying!.waiting, this.#waiting.length, 'waiting for their letters');
    assert.equal([...machine.dying!.positions()], dying, 'the same ones');
    for (const position of dying) assert.is(machine.dying!.reasonOf(position), this.#places.get(position), 'why it died');
    const [accepted, settled, dropped] = [ACCEPTED, SETTLED, DROPPED].map((word) => machine.counter(word));
    assert.is(accepted, this.#places.size, 'accepted');
    assert.is(settled! + dropped!, of('over').length, 'over');
    const held = this.#memory.lent.size;
    const owned = places.length - of('over').length;
    assert.ok(held >= owned && held <= owned + this.#crashes, 'one lease for each message that is there, and at most one for each crash');
  }
}

function histories(module: QueueModule) {
  return fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (history) => new World(module).run(history));
}

const dying = suite('what dies');

dying('is where it should be, crashes included', async () => {
  fc.assert(histories(await loadSmallQueue()), { numRuns: RUNS });
});

const MISTAKES: Readonly<Record<string, readonly SourceChange[]>> = {
  'a crash forgets what was dying': [{ file: 'dying.ts', right: '=== DYING) this.#join(position);', wrong: '=== DYING) continue;' }],
  'a crash makes it ready again': [
    { file: 'ledger.ts', right: 'if ((state & STATE_MASK) === UNSETTLED) {', wrong: 'if ((state & STATE_MASK) >= UNSETTLED) {' },
  ],
  'it stays when it is buried': [{ file: 'dying.ts', right: '    this.#ledger.remove(position, DROPPED);\n', wrong: '' }],
  'its reason is forgotten': [{ file: 'dying.ts', right: 'DROP_REASONS.indexOf(reason));', wrong: '0);' }],
  'what is taken back goes to the end': [
    { file: 'dying.ts', right: '[...positions, ...this.#line.slice(this.#first)]', wrong: '[...this.#line.slice(this.#first), ...positions]' },
  ],
  'it is gone at once': [{ file: 'queue-machine.ts', right: '    else this.dying.add(position, reason);\n', wrong: '    else this.#ledger.remove(position, DROPPED);\n' }],
};

for (const [mistake, changes] of Object.entries(MISTAKES)) {
  dying(`find that ${mistake}`, async () => {
    const found = fc.check(histories(await loadSmallQueue(changes)), { numRuns: CONTROL_RUNS, endOnFailure: true });
    assert.ok(found.failed, `${CONTROL_RUNS} histories passed`);
  });
}

dying.run();
