/**
 * What was sent, what the broker answered, and what came of it. Publishers write here before they send and when they are answered,
 * consumers when they read and when they acknowledge; after the last fault, when all queues are drained, every message is judged.
 * The ledger lives in a process that no fault strikes.
 *
 * A publish whose channel ended without an answer is unknown: it may arrive, it need not.
 */
import { CONFIRMED, MessageStream, READ, READ_NEW, REFUSED, SETTLED } from './message-stream.ts';
import { readBody } from './message-body.ts';
import type { BodyHead } from './message-body.ts';

/** The counters of a run, as Jepsen names them, and order beside them. */
export type Verdict = {
  /** Messages sent. */
  readonly attempted: number;
  /** Confirmed by the broker. */
  readonly acknowledged: number;
  /** Read by a consumer. */
  readonly ok: number;
  /**
   * Confirmed, and never read; or read by consumers that all ended before they acknowledged it, and not handed out again. Both
   * mean that the broker was responsible for a message and let it go.
   */
  readonly lost: number;
  /** Not confirmed, and read all the same. */
  readonly recovered: number;
  /** Read, but never sent, or with other bytes than were sent, or from another queue. */
  readonly unexpected: number;
  /** Read as new (without redelivered) more than once. */
  readonly duplicated: number;
  /** Read out of turn. */
  readonly disordered: number;
  /** Readings of messages that had been read before, with redelivered: what at-least-once allows. */
  readonly repeated: number;
};

/**
 * What one consumer sees of one queue. What is handed out as new comes in the order of its stream in every lane. Who reads a
 * queue alone, from its first reader since the broker's start, also sees what comes back in order.
 */
export type Lane = { readonly queue: string; readonly whole: boolean; readonly lastNew: Map<number, number>; readonly lastFirst: Map<number, number> };

/** One message that a consumer was handed. */
export type Reading = { readonly stream: MessageStream; readonly sequence: number };

/** What an ended channel has left behind is taken for lost after so long: it must not hold up the run for good. */
const WAITING_GRACE_MS = 500;
/** Violations that are told one by one. */
const EXAMPLES_MAX = 12;

export class MessageLedger {
  readonly #streams: MessageStream[] = [];
  /** Closed streams that somebody still waits for. */
  #closing: MessageStream[] = [];
  /** Broker starts in which a queue has had a reader, a queue each. */
  readonly #readIn = new Map<string, number>();
  readonly #examples: string[] = [];
  #attempted = 0;
  #acknowledged = 0;
  #ok = 0;
  #settled = 0;
  #recovered = 0;
  #unexpected = 0;
  #duplicated = 0;
  #disordered = 0;
  #repeated = 0;
  #outstanding = 0;

  /** The number of a new stream. */
  openStream(publisher: number, queue: string): number {
    return this.#streams.push(new MessageStream(publisher, queue));
  }

  /** The sequence of the next message of a stream. */
  nextSequence(stream: number): number {
    return this.#stream(stream).count + 1;
  }

  /** The next message of a stream is about to be sent. */
  sent(stream: number, checksum: number): void {
    this.#stream(stream).add(checksum);
    this.#attempted++;
  }

  answered(stream: number, sequence: number, confirmed: boolean): void {
    const entry = this.#stream(stream);
    const before = this.#mark(entry, sequence, confirmed ? CONFIRMED : REFUSED);
    if (!confirmed || (before & CONFIRMED) !== 0) return;
    this.#acknowledged++;
    if ((before & READ) !== 0) this.#recovered--;
  }

  /** Its channel has ended: nothing more is sent or answered. */
  closeStream(stream: number, nowMs: number): void {
    const entry = this.#stream(stream);
    entry.closedAtMs = nowMs;
    this.#closing.push(entry);
  }

  /**
   * A consumer is about to subscribe. `sole`: the queue has no other one; `brokerStart`: how often the broker has been started.
   * Called before the broker is asked: a subscription whose answer got lost has read, too.
   */
  openLane(queue: string, sole: boolean, brokerStart: number): Lane {
    const whole = sole && this.#readIn.get(queue) !== brokerStart;
    this.#readIn.set(queue, brokerStart);
    return { queue, whole, lastNew: new Map(), lastFirst: new Map() };
  }

  /** A consumer was handed a message. Undefined: it is none that was sent. */
  read(lane: Lane, body: Buffer, redelivered: boolean): Reading | undefined {
    const head = readBody(body);
    const stream = head === undefined ? undefined : this.#streams[head.stream - 1];
    if (head === undefined || stream === undefined || !isOf(stream, head, lane)) {
      this.#unexpected++;
      this.#tell(`unexpected: ${body.length} bytes read from ${lane.queue}: ${describeStranger(head, stream)}`);
      return undefined;
    }
    const { sequence } = head;
    const before = this.#mark(stream, sequence, redelivered ? READ : READ | READ_NEW);
    const first = (before & READ) === 0;
    if (first) this.#ok++;
    else if (redelivered) this.#repeated++;
    if (first && (before & CONFIRMED) === 0) this.#recovered++;
    if (!redelivered && (before & READ_NEW) !== 0) {
      this.#duplicated++;
      this.#tell(`duplicated: ${name(stream, head)} was handed out as new again`);
    }
    const lateNew = !redelivered && isLate(lane.lastNew, head);
    const lateFirst = lane.whole && first && isLate(lane.lastFirst, head);
    if (lateNew || lateFirst) {
      this.#disordered++;
      const last = (lateNew ? lane.lastNew : lane.lastFirst).get(head.stream);
      this.#tell(`disordered: ${name(stream, head)} came ${redelivered ? 'again' : 'as new'} after ${last}`);
    }
    if (!redelivered && !lateNew) lane.lastNew.set(head.stream, sequence);
    if (first && !lateFirst) lane.lastFirst.set(head.stream, sequence);
    return { stream, sequence };
  }

  /** The consumer has acknowledged it: nobody needs to read it again. */
  settled({ stream, sequence }: Reading): void {
    if ((this.#mark(stream, sequence, SETTLED) & SETTLED) === 0) this.#settled++;
  }

  /** Confirmed messages that no consumer is done with. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** The same without what channels that ended have left behind, which may be lost. */
  waiting(nowMs: number): number {
    return this.#outstanding - this.overdue(nowMs, WAITING_GRACE_MS);
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Grows with everything that consumers get done. */
  get progress(): number {
    return this.#ok + this.#settled + this.#repeated;
  }

  /** Confirmed messages whose channels ended more than `graceMs` ago. An estimate: what is lost is known at the end only. */
  overdue(nowMs: number, graceMs: number): number {
    this.#closing = this.#closing.filter((stream) => stream.outstanding > 0);
    let sum = 0;
    for (const { closedAtMs, outstanding } of this.#closing) if (closedAtMs !== undefined && nowMs - closedAtMs > graceMs) sum += outstanding;
    return sum;
  }

  /** Violations that can be told already, the first few in words. */
  get examples(): readonly string[] {
    return this.#examples;
  }

  /** The judgement; call it when all queues are drained. */
  verdict(): Verdict {
    for (const [index, stream] of this.#streams.entries()) if (stream.outstanding > 0) this.#tellLost(index + 1, stream);
    return {
      attempted: this.#attempted,
      acknowledged: this.#acknowledged,
      ok: this.#ok,
      lost: this.#outstanding,
      recovered: this.#recovered,
      unexpected: this.#unexpected,
      duplicated: this.#duplicated,
      disordered: this.#disordered,
      repeated: this.#repeated,
    };
  }

  #stream(number: number): MessageStream {
    const stream = this.#streams[number - 1];
    if (stream === undefined) throw new RangeError(`there is no stream ${number}`);
    return stream;
  }

  #mark(stream: MessageStream, sequence: number, flag: number): number {
    const outstanding = stream.outstanding;
    const before = stream.mark(sequence, flag);
    this.#outstanding += stream.outstanding - outstanding;
    return before;
  }

  /** Neighbours that were lost in the same way are told together. */
  #tellLost(number: number, stream: MessageStream): void {
    const fate = (sequence: number): number => (stream.has(sequence) ? stream.state(sequence) & (CONFIRMED | READ | SETTLED) : SETTLED);
    for (let from = 1; from <= stream.count && this.#examples.length < EXAMPLES_MAX; from++) {
      const state = fate(from);
      if ((state & (CONFIRMED | SETTLED)) !== CONFIRMED) continue;
      let to = from;
      while (fate(to + 1) === state) to++;
      const how = (state & READ) === 0 ? 'never read' : 'not handed out again after its consumer ended';
      this.#tell(`lost: ${name(stream, { stream: number, sequence: from })}${to === from ? '' : ` up to ${to}`} of ${stream.count}: confirmed, ${how}`);
      from = to;
    }
  }

  #tell(example: string): void {
    if (this.#examples.length < EXAMPLES_MAX) this.#examples.push(example);
  }
}

function isOf(stream: MessageStream, head: BodyHead, lane: Lane): boolean {
  return stream.has(head.sequence) && stream.checksum(head.sequence) === head.checksum && stream.queue === lane.queue;
}

function isLate(last: ReadonlyMap<number, number>, { stream, sequence }: BodyHead): boolean {
  return sequence <= (last.get(stream) ?? 0);
}

function name({ publisher, queue }: MessageStream, { stream, sequence }: { readonly stream: number; readonly sequence: number }): string {
  return `message ${sequence} of stream ${stream} (publisher ${publisher} to ${queue})`;
}

function describeStranger(head: BodyHead | undefined, stream: MessageStream | undefined): string {
  if (head === undefined) return 'its checksum is wrong';
  if (stream === undefined || !stream.has(head.sequence)) return `message ${head.sequence} of stream ${head.stream} was never sent`;
  if (stream.checksum(head.sequence) !== head.checksum) return `${name(stream, head)} was sent with other bytes`;
  return `${name(stream, head)} was sent elsewhere`;
}
