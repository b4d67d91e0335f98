import { Packr } from 'msgpackr';
import { type ActorRef, Letter, NO_INTS } from './letter.ts';
import type { Receiver } from './ring/inbound.ts';
import type { MeshPort } from './ring/mesh.ts';
import type { Scheduler } from './scheduler.ts';

/**
 * Letters between threads.
 *
 * ```
 * hot    int32 words   | to id | to generation | from thread | from id | from generation | number | a | b | c | batch ... |
 * cold   msgpackr      the same nine, then the body
 * ```
 */
const HEAD_WORDS = 9;

type ColdForm = [number, number, number, number, number, number, number, number, number, unknown];

export class LetterMesh implements Receiver {
  readonly port: MeshPort;
  readonly #scheduler: Scheduler;
  readonly #packr = new Packr({ mapsAsObjects: false, moreTypes: true });
  readonly #threads: number;
  #words = new Int32Array(4096);

  constructor(port: MeshPort, threads: number, scheduler: Scheduler) {
    this.port = port;
    this.#threads = threads;
    this.#scheduler = scheduler;
  }

  reaches(thread: number): boolean {
    return thread >= 0 && thread < this.#threads;
  }

  /** The letter's batch goes back to the pool: its words are on their way. */
  send(to: ActorRef, letter: Letter): void {
    const { sender } = letter;
    if (letter.body !== undefined) {
      const form: ColdForm = [
        to.id,
        to.generation,
        sender.thread,
        sender.id,
        sender.generation,
        letter.number,
        letter.a,
        letter.b,
        letter.c,
        letter.body,
      ];
      this.port.sendBytes(to.thread, letter.type, this.#packr.pack(form));
      return;
    }
    const length = HEAD_WORDS + letter.count;
    if (this.#words.length < length) this.#words = new Int32Array(length * 2);
    const words = this.#words;
    words[0] = to.id;
    words[1] = to.generation;
    words[2] = sender.thread;
    words[3] = sender.id;
    words[4] = sender.generation;
    words[5] = letter.number;
    words[6] = letter.a;
    words[7] = letter.b;
    words[8] = letter.c;
    const { ints, count } = letter;
    for (let word = 0; word < count; word++) words[HEAD_WORDS + word] = ints[word]!;
    this.port.sendInts(to.thread, letter.type, words, length);
    if (ints.length > 0) this.#scheduler.pool.give(ints);
    letter.ints = NO_INTS;
  }

  drain(budget: number): number {
    return this.port.drain(this, budget);
  }

  receive(_from: number, type: number, ints: Int32Array, offset: number, count: number): void {
    const letter = new Letter(type);
    letter.sender = { thread: ints[offset + 2]!, id: ints[offset + 3]!, generation: ints[offset + 4]! };
    letter.number = ints[offset + 5]!;
    letter.a = ints[offset + 6]!;
    letter.b = ints[offset + 7]!;
    letter.c = ints[offset + 8]!;
    letter.count = count - HEAD_WORDS;
    if (letter.count > 0) {
      const batch = this.#scheduler.pool.take(letter.count);
      for (let word = 0; word < letter.count; word++) batch[word] = ints[offset + HEAD_WORDS + word]!;
      letter.ints = batch;
    }
    this.#scheduler.deliver({ thread: this.#scheduler.thread, id: ints[offset]!, generation: ints[offset + 1]! }, letter);
  }

  receiveBytes(_from: number, type: number, bytes: Uint8Array): void {
    const form = this.#packr.unpack(Buffer.from(bytes)) as ColdForm;
    const letter = new Letter(type);
    letter.sender = { thread: form[2], id: form[3], generation: form[4] };
    letter.number = form[5];
    letter.a = form[6];
    letter.b = form[7];
    letter.c = form[8];
    letter.body = form[9];
    this.#scheduler.deliver({ thread: this.#scheduler.thread, id: form[0], generation: form[1] }, letter);
  }
}
