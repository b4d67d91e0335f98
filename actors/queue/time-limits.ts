/**
 * The clocks of a queue: x-expires, after which it goes when nobody has used it (RabbitMQ guide "Queue TTL"), the time at which its
 * head expires, and the time at which the next of its delayed retries is ready. Each is one timer of the actor. A crash begins x-expires anew,
 * as a restart of the node does.
 */
import type { Admission } from './admission.ts';
import type { ActorContext } from '../runtime/actor.ts';
import type { MessageTimes } from '../../src/broker/queue/expiry.ts';
import type { QueueMachine } from '../../src/broker/queue/queue-machine.ts';
import type { QueueQuestion } from '../../src/broker/queue/queue-question.ts';

/** The head expires. */
export const EXPIRY_TIMER = 3;
/** x-expires. */
export const LEASE_TIMER = 4;
/** A message that came back has waited long enough. */
export const RETRY_TIMER = 5;
/** A timer is not armed for longer; then the head is looked at once more. A day. */
const WAIT_MAX_MS = 86_400_000;

/** What keeps a queue for as long again. A declaration asks for the status, whether active or passive. */
const RENEWING: ReadonlySet<QueueQuestion['type']> = new Set(['status', 'consume', 'resubscribe', 'cancel', 'get']);

export class TimeLimits {
  readonly #context: ActorContext;
  readonly #machine: QueueMachine;
  readonly #times: MessageTimes;
  readonly #expiresMs: number | undefined;
  /** When EXPIRY_TIMER ends; Infinity: it does not run. */
  #armedForMs = Infinity;
  /** When RETRY_TIMER ends. */
  #retryArmedForMs = Infinity;

  constructor(context: ActorContext, machine: QueueMachine, times: MessageTimes, expiresMs: number | undefined) {
    this.#context = context;
    this.#machine = machine;
    this.#times = times;
    this.#expiresMs = expiresMs;
    this.renew();
  }

  /** Drops what has expired, and waits for the head. Only when nothing that is ready can still be on its way to a socket. */
  expire(): void {
    const timeMs = this.#machine.dropExpired();
    // A timer that ends too early does no harm, and what comes to the head expires later than what went.
    if (timeMs >= this.#armedForMs) return;
    this.#armedForMs = timeMs;
    this.#arm(EXPIRY_TIMER, timeMs);
  }

  /** What came back and has waited long enough is ready again, and counts at once. */
  endDelays(admission: Admission): void {
    const timeMs = this.#machine.endDelays();
    admission.keepTo();
    if (timeMs >= this.#retryArmedForMs) return;
    this.#retryArmedForMs = timeMs;
    this.#arm(RETRY_TIMER, timeMs);
  }

  #arm(timer: number, timeMs: number): void {
    this.#context.armTimer(timer, Math.min(Math.max(timeMs - this.#times.nowMs(), 0), WAIT_MAX_MS));
  }

  /** EXPIRY_TIMER or RETRY_TIMER has ended: `expire` and `endDelays` are called at the end of the turn. */
  timerEnded(key: number): void {
    if (key === EXPIRY_TIMER) this.#armedForMs = Infinity;
    else this.#retryArmedForMs = Infinity;
  }

  /** Somebody asks the queue something. */
  asked({ type }: QueueQuestion): void {
    if (this.#expiresMs !== undefined && RENEWING.has(type)) this.renew();
  }

  /** x-expires begins. With consumers it does not count, and begins when the last one goes. */
  renew(): void {
    if (this.#expiresMs !== undefined) this.#context.armTimer(LEASE_TIMER, this.#expiresMs);
  }
}
