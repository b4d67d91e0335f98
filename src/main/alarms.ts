/** What blocks publishers on every thread, by RabbitMQ's reasons (`connection.blocked`), and the log's words for it. */
import type { Logger } from './log.ts';

export const LOW_ON_MEMORY = 'low on memory';

/** `reasons` with `reason`, or without it. */
export function turned(reasons: readonly string[], reason: string, set: boolean): readonly string[] {
  const others = reasons.filter((other) => other !== reason);
  return set ? [...others, reason] : others;
}

export class Alarms {
  readonly #log: Logger;
  readonly #memoryLimitBytes: number;
  readonly #changed: () => void;
  #reasons: readonly string[] = [];

  constructor(log: Logger, memoryLimitBytes: number, changed: () => void) {
    this.#log = log;
    this.#memoryLimitBytes = memoryLimitBytes;
    this.#changed = changed;
  }

  /** Those that are set now. */
  get reasons(): readonly string[] {
    return this.#reasons;
  }

  disk(full: boolean): void {
    if (!this.#turn('low on disk', full)) return;
    if (full) this.#log.warn('disk alarm set: publishers are blocked');
    else this.#log.warn('disk alarm cleared: publishers go on');
  }

  memory(above: boolean): void {
    if (!this.#turn(LOW_ON_MEMORY, above)) return;
    if (above) this.#log.warn({ limitBytes: this.#memoryLimitBytes }, 'memory high watermark set: publishers are blocked');
    else this.#log.warn('memory high watermark cleared: publishers go on');
  }

  /** Answers whether that changed anything. */
  #turn(reason: string, set: boolean): boolean {
    if (this.#reasons.includes(reason) === set) return false;
    this.#reasons = turned(this.#reasons, reason, set);
    this.#changed();
    return true;
  }
}
