import type { SupervisorPort } from '../../../../../actors/runtime/supervision/supervisor-port.ts';

/** Writes down what a supervisor does, one effect a line; the clock stands where the test puts it. */
export class RecordingPort implements SupervisorPort {
  nowMs = 0;
  #lines: string[] = [];

  /** The effects since the last call. */
  take(): string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  now(): number {
    return this.nowMs;
  }
  start: SupervisorPort['start'] = (id, _, generation) => this.#write(`start ${id}#${generation}`);
  stop: SupervisorPort['stop'] = (id, generation, timeoutMs) => this.#write(`stop ${id}#${generation} in ${timeoutMs}`);
  kill: SupervisorPort['kill'] = (id, generation) => this.#write(`kill ${id}#${generation}`);
  ready: SupervisorPort['ready'] = () => this.#write('ready');
  escalate: SupervisorPort['escalate'] = (reason) => this.#write(`escalate ${reason.kind}: ${reason.text}`);
  childMarked: SupervisorPort['childMarked'] = (id, reason) => this.#write(`marked ${id} ${reason.kind}: ${reason.text}`);
  armTimer: SupervisorPort['armTimer'] = (key, ms, epoch) => this.#write(`arm ${key} ${ms} epoch ${epoch}`);
  answer: SupervisorPort['answer'] = (request, outcome) => {
    const told = { done: '', refused: outcome.kind === 'refused' ? ` ${outcome.why}` : '', 'start-failed': '' };
    this.#write(`answer ${request} ${outcome.kind}${told[outcome.kind]}`);
  };

  #write(line: string): void {
    this.#lines.push(line);
  }
}
