/**
 * What was sent and what came of it: publishers and consumers of a fault test write here, and at the end every message is
 * judged. A message without an answer when its connection or thread was lost is uncertain: it may arrive, it need not.
 *
 * ```
 * body   | publisher (4) | sequence (4) | CRC-32 of the rest and of both (4) | fill |
 * ```
 */
import { crc32 } from 'node:zlib';

export const BODY_HEAD_SIZE = 12;

/** Counters of one run, as Jepsen names them. */
export type Verdict = {
  /** Messages sent. */
  readonly attempted: number;
  /** Confirmed by the broker. */
  readonly acknowledged: number;
  /** Read by a consumer. */
  readonly ok: number;
  /** Confirmed, and acknowledged by nobody. */
  readonly lost: number;
  /** Not confirmed, and read all the same. */
  readonly recovered: number;
  /** Read, but never sent, or with other bytes than were sent. */
  readonly unexpected: number;
  /** Handed out as new more than once. */
  readonly duplicated: number;
  /** Read out of turn. */
  readonly disordered: number;
  /** Sent and never answered, neither by a confirm nor by a refusal. */
  readonly unanswered: number;
};

type Sent = { answer: 'none' | 'confirmed' | 'refused'; reads: number; newReads: number; acknowledged: boolean };

/** One message that a consumer was handed. */
export type Read = { readonly publisher: number; readonly sequence: number; readonly first: boolean };

export class LedgerOfMessages {
  readonly #sent = new Map<number, Sent[]>();
  readonly #lastFirst = new Map<string, number>();
  #unexpected = 0;
  #duplicated = 0;
  #disordered = 0;
  #acknowledgedReads = 0;

  /** The body of the next message of a publisher, and its sequence number, from 1. */
  next(publisher: number, sizeBytes: number): { readonly body: Buffer; readonly sequence: number } {
    let sent = this.#sent.get(publisher);
    if (sent === undefined) this.#sent.set(publisher, (sent = []));
    sent.push({ answer: 'none', reads: 0, newReads: 0, acknowledged: false });
    return { body: bodyOf(publisher, sent.length, sizeBytes), sequence: sent.length };
  }

  answered(publisher: number, sequence: number, confirmed: boolean): void {
    const entry = this.#sent.get(publisher)?.[sequence - 1];
    if (entry !== undefined) entry.answer = confirmed ? 'confirmed' : 'refused';
  }

  /**
   * A consumer was handed a message. `lane` names whose view of the order this is: what one reader sees of one queue.
   * With `whole` the reader sees all of the queue, so that every first reading is in order; without, those of messages
   * that never went to anybody else are.
   */
  read(lane: string, body: Buffer, redelivered: boolean, whole: boolean): Read | undefined {
    const publisher = body.length < BODY_HEAD_SIZE ? 0 : body.readUInt32BE(0);
    const sequence = publisher === 0 ? 0 : body.readUInt32BE(4);
    const entry = this.#sent.get(publisher)?.[sequence - 1];
    if (entry === undefined || checksum(body) !== body.readUInt32BE(8)) {
      this.#unexpected++;
      return undefined;
    }
    const first = entry.reads === 0;
    entry.reads++;
    // Two readers may see a message in another order than it was sent to them: what counts is that only one sees it as new.
    if (!redelivered && ++entry.newReads > 1) this.#duplicated++;
    if (whole ? first : !redelivered) {
      const key = `${lane} ${publisher}`;
      if (sequence <= (this.#lastFirst.get(key) ?? 0)) this.#disordered++;
      this.#lastFirst.set(key, sequence);
    }
    return { publisher, sequence, first };
  }

  /** The consumer is done with it: nobody needs to read it again. */
  settled({ publisher, sequence }: Read): void {
    const entry = this.#sent.get(publisher)?.[sequence - 1];
    if (entry === undefined || entry.acknowledged) return;
    entry.acknowledged = true;
    this.#acknowledgedReads++;
  }

  /** Confirmed messages that no consumer is done with yet. */
  get outstanding(): number {
    return this.#count((entry) => entry.answer === 'confirmed' && !entry.acknowledged);
  }

  get unanswered(): number {
    return this.#count((entry) => entry.answer === 'none');
  }

  /** Messages that consumers are done with. */
  get settledCount(): number {
    return this.#acknowledgedReads;
  }

  get attempted(): number {
    return this.#count(() => true);
  }

  verdict(): Verdict {
    return {
      attempted: this.attempted,
      acknowledged: this.#count((entry) => entry.answer === 'confirmed'),
      ok: this.#count((entry) => entry.reads > 0),
      lost: this.outstanding,
      recovered: this.#count((entry) => entry.answer !== 'confirmed' && entry.reads > 0),
      unexpected: this.#unexpected,
      duplicated: this.#duplicated,
      disordered: this.#disordered,
      unanswered: this.unanswered,
    };
  }

  #count(counts: (entry: Sent) => boolean): number {
    let count = 0;
    for (const sent of this.#sent.values()) for (const entry of sent) if (counts(entry)) count++;
    return count;
  }
}

function bodyOf(publisher: number, sequence: number, sizeBytes: number): Buffer {
  const body = Buffer.alloc(Math.max(sizeBytes, BODY_HEAD_SIZE), sequence & 0xff);
  body.writeUInt32BE(publisher, 0);
  body.writeUInt32BE(sequence, 4);
  body.writeUInt32BE(checksum(body), 8);
  return body;
}

function checksum(body: Buffer): number {
  return crc32(body.subarray(BODY_HEAD_SIZE), crc32(body.subarray(0, 8)));
}
