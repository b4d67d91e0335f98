import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog } from '../../../src/main/log.ts';
import { CLOSE_TIMEOUT_MS, SAME_SIGNAL_MS, closeOnSignals } from '../../../src/main/shutdown.ts';
import type { SignalledProcess } from '../../../src/main/shutdown.ts';

/** A process whose time and signals the test makes. */
class FakeProcess implements SignalledProcess {
  readonly exits: number[] = [];
  readonly #handlers = new Map<string, () => void>();
  #timers: { readonly dueMs: number; readonly act: () => void }[] = [];
  #nowMs = 0;

  onSignal(signal: string, handle: () => void): void {
    this.#handlers.set(signal, handle);
  }
  nowMs(): number {
    return this.#nowMs;
  }
  after(delayMs: number, act: () => void): void {
    this.#timers.push({ dueMs: this.#nowMs + delayMs, act });
  }
  exit(code: number): void {
    this.exits.push(code);
  }
  signal(name: 'SIGINT' | 'SIGTERM'): void {
    this.#handlers.get(name)?.();
  }
  pass(durationMs: number): void {
    this.#nowMs += durationMs;
    const due = this.#timers.filter((timer) => timer.dueMs <= this.#nowMs);
    this.#timers = this.#timers.filter((timer) => timer.dueMs > this.#nowMs);
    for (const timer of due) timer.act();
  }
}

const lines: string[] = [];
const log = createLog('info', { write: (line) => void lines.push(line) });
const never = (): Promise<void> => new Promise(() => undefined);
const shutdown = suite('shutdown');

shutdown('the first signal closes with the reason that clients are told, then 0', async () => {
  const system = new FakeProcess();
  const reasons: string[] = [];
  closeOnSignals(system, (reason) => Promise.resolve(void reasons.push(reason)), log);
  assert.equal(reasons, []);
  system.signal('SIGTERM');
  await Promise.resolve();
  assert.equal(reasons, ['shutdown']);
  assert.equal(system.exits, [0]);
});

shutdown('copies of a signal are one signal, a later one ends at once', () => {
  const system = new FakeProcess();
  closeOnSignals(system, never, log);
  system.signal('SIGINT');
  system.pass(SAME_SIGNAL_MS - 1);
  system.signal('SIGINT');
  assert.equal(system.exits, []);
  system.pass(1);
  system.signal('SIGINT');
  assert.equal(system.exits, [130]);
});

shutdown('a close that hangs is ended with a message', () => {
  const system = new FakeProcess();
  closeOnSignals(system, never, log);
  system.signal('SIGTERM');
  system.pass(CLOSE_TIMEOUT_MS - 1);
  assert.equal(system.exits, []);
  system.pass(1);
  assert.equal(system.exits, [1]);
  assert.match(lines.at(-1) ?? '', 'longer than 10 s');
});

shutdown.run();
