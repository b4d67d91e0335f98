import {
  ACCEPTED,
  ADDRESS,
  CHUNK_MASK,
  CHUNK_NUMBER_MASK,
  CHUNK_SHIFT,
  DELIVERIES,
  DROPPED,
  ENTRY_WORDS,
  FIRST_CHUNK,
  FIRST_NUMBER_MASK,
  FLAGS_MASK,
  GONE,
  HEAD,
  KEPT_FLAG,
  LETTER_NUMBER,
  LETTER_SENDER,
  LETTER_TAIL,
  OWNER,
  READY,
  REDELIVERED_FLAG,
  SETTLED,
  SLOT_WORDS,
  STATE,
  STATE_MASK,
  TAIL,
  UNSETTLED,
} from './ledger-layout.ts';
import type { QueueMemory } from './queue-memory.ts';

/**
 * What a queue holds, in shared memory (layout: ledger-layout.ts). Every change is complete with one word: a crash between
 * any two statements leaves a ledger from which `recover` makes the same queue again, with nothing lost and nothing twice (I1).
 *
 * Writers: the one incarnation of the queue that runs now.
 */
export class Ledger {
  readonly #memory: QueueMemory;
  readonly #slots: Int32Array;
  readonly #slot: number;
  /** The chunks from HEAD's to TAIL's, so that an entry is found without walking the chain. */
  #chunks: number[] = [];
  #firstIndex = 0;
  /** Number of the chunk (position >>> CHUNK_SHIFT) that `#chunks[#firstIndex]` is. */
  #firstNumber = 0;
  head = 0;
  tail = 0;
  /** Told of each position that the store keeps and that leaves the queue. */
  readonly #onKeptGone: (position: number) => void;

  constructor(memory: QueueMemory, slot: number, onKeptGone: (position: number) => void = () => {}) {
    this.#onKeptGone = onKeptGone;
    this.#memory = memory;
    this.#slots = memory.slots;
    this.#slot = slot * SLOT_WORDS;
  }

  /** Makes the slot that of a new, empty queue. */
  create(): void {
    this.#slots.fill(0, this.#slot, this.#slot + SLOT_WORDS);
    this.head = 0;
    this.tail = 0;
    this.#chunks = [];
    this.#firstIndex = 0;
    this.#firstNumber = 0;
  }

  /**
   * Takes over what an earlier incarnation left. Everything unsettled becomes ready and redelivered, at its place, and a
   * count that was cut off is made up for. Answers the number of messages that are ready now.
   */
  recover(): number {
    this.head = this.#slots[this.#slot + HEAD]!;
    this.tail = this.#slots[this.#slot + TAIL]!;
    this.#chunks = [];
    this.#firstIndex = 0;
    this.#recoverChain();
    let ready = 0;
    for (let position = this.head; position !== this.tail; position = (position + 1) | 0) {
      const state = this.state(position);
      if ((state & STATE_MASK) === UNSETTLED) this.setState(position, READY | REDELIVERED_FLAG | (state & FLAGS_MASK), 0);
      if ((state & STATE_MASK) !== GONE) ready++;
    }
    this.#dropGoneHead();
    // Each message ever accepted has had a position, from 0 on.
    this.setCounter(ACCEPTED, this.tail);
    this.setCounter(SETTLED, this.tail - ready - this.counter(DROPPED));
    return ready;
  }

  /**
   * HEAD and FIRST_CHUNK are two words, and a thread may end between them: the low bits of FIRST_CHUNK say which chunk it
   * is, so that either may be one chunk ahead of the other.
   */
  #recoverChain(): void {
    const first = this.#slots[this.#slot + FIRST_CHUNK]!;
    const headNumber = this.head >>> CHUNK_SHIFT;
    this.#firstNumber = headNumber;
    if (first === 0) return;
    const behind = (headNumber - (first & FIRST_NUMBER_MASK)) & FIRST_NUMBER_MASK;
    const chainAhead = behind === FIRST_NUMBER_MASK;
    if (chainAhead) this.head = ((headNumber + 1) << CHUNK_SHIFT) | 0;
    this.#firstNumber = ((chainAhead ? headNumber + 1 : headNumber - behind) & CHUNK_NUMBER_MASK) >>> 0;
    for (let chunk = first & ~FIRST_NUMBER_MASK; chunk !== 0; chunk = this.#memory.nextChunk(chunk)) {
      this.#chunks.push(chunk);
    }
    // The chunk that HEAD has left was not dropped yet: `#chunks` begins with HEAD's from now on.
    if (behind !== 0 && !chainAhead) this.#dropChunk(this.head);
  }

  #setFirstChunk(chunk: number, number: number): void {
    this.#slots[this.#slot + FIRST_CHUNK] = chunk === 0 ? 0 : chunk | (number & FIRST_NUMBER_MASK);
  }

  get chunkCount(): number {
    return this.#chunks.length - this.#firstIndex;
  }

  /** Appends a message. Answers false, and changes nothing, when there is no memory for its entry. */
  append(address: number, flags: number): boolean {
    const position = this.tail;
    const number = ((position >>> CHUNK_SHIFT) - this.#firstNumber) & CHUNK_NUMBER_MASK;
    if (number === this.#chunks.length - this.#firstIndex && !this.#addChunk(position)) return false;
    const chunk = this.#chunks[this.#firstIndex + number]!;
    const ints = this.#memory.intsOf(chunk);
    const entry = this.#memory.intOffsetOf(chunk) + (position & CHUNK_MASK) * ENTRY_WORDS;
    ints[entry + ADDRESS] = address;
    ints[entry + STATE] = READY | flags;
    ints[entry + OWNER] = 0;
    ints[entry + DELIVERIES] = 0;
    this.#slots[this.#slot + ACCEPTED]!++;
    this.tail = (position + 1) | 0;
    // The commit word: before it the message is not there, after it the message is.
    this.#slots[this.#slot + TAIL] = this.tail;
    return true;
  }

  /** A new queue whose first message gets this position: what the store brings back keeps its numbers. */
  beginAt(position: number): void {
    this.create();
    this.head = this.tail = position;
    this.#firstNumber = position >>> CHUNK_SHIFT;
    this.#slots[this.#slot + TAIL] = position;
    this.#slots[this.#slot + HEAD] = position;
  }

  /** A position that was settled before: only in what the store brings back, never before HEAD's message. */
  appendGone(): boolean {
    if (!this.append(0, 0)) return false;
    this.setState((this.tail - 1) | 0, GONE, 0);
    return true;
  }

  #addChunk(position: number): boolean {
    const chunk = this.#memory.allocateChunk();
    if (chunk === 0) return false;
    this.#memory.setNextChunk(chunk, 0);
    if (this.#chunks.length === this.#firstIndex) {
      this.#firstNumber = position >>> CHUNK_SHIFT;
      this.#setFirstChunk(chunk, this.#firstNumber);
    } else {
      this.#memory.setNextChunk(this.#chunks[this.#chunks.length - 1]!, chunk);
    }
    this.#chunks.push(chunk);
    return true;
  }

  #chunkOf(position: number): number {
    return this.#chunks[this.#firstIndex + (((position >>> CHUNK_SHIFT) - this.#firstNumber) & CHUNK_NUMBER_MASK)]!;
  }

  address(position: number): number {
    const chunk = this.#chunkOf(position);
    return this.#memory.intsOf(chunk)[
      this.#memory.intOffsetOf(chunk) + (position & CHUNK_MASK) * ENTRY_WORDS + ADDRESS
    ]!;
  }

  state(position: number): number {
    const chunk = this.#chunkOf(position);
    return this.#memory.intsOf(chunk)[this.#memory.intOffsetOf(chunk) + (position & CHUNK_MASK) * ENTRY_WORDS + STATE]!;
  }

  owner(position: number): number {
    const chunk = this.#chunkOf(position);
    return this.#memory.intsOf(chunk)[this.#memory.intOffsetOf(chunk) + (position & CHUNK_MASK) * ENTRY_WORDS + OWNER]!;
  }

  deliveries(position: number): number {
    return this.#word(position, DELIVERIES);
  }

  /** The message came back once more. Answers how often it has. */
  countDelivery(position: number): number {
    const chunk = this.#chunkOf(position);
    return ++this.#memory.intsOf(chunk)[this.#memory.intOffsetOf(chunk) + (position & CHUNK_MASK) * ENTRY_WORDS + DELIVERIES]!;
  }

  setDeliveries(position: number, deliveries: number): void {
    const chunk = this.#chunkOf(position);
    this.#memory.intsOf(chunk)[this.#memory.intOffsetOf(chunk) + (position & CHUNK_MASK) * ENTRY_WORDS + DELIVERIES] = deliveries;
  }

  #word(position: number, word: number): number {
    const chunk = this.#chunkOf(position);
    return this.#memory.intsOf(chunk)[this.#memory.intOffsetOf(chunk) + (position & CHUNK_MASK) * ENTRY_WORDS + word]!;
  }

  /** Where the content of a READY or DYING message lies now; 0: in the store alone. */
  setAddress(position: number, address: number): void {
    const chunk = this.#chunkOf(position);
    this.#memory.intsOf(chunk)[this.#memory.intOffsetOf(chunk) + (position & CHUNK_MASK) * ENTRY_WORDS + ADDRESS] = address;
  }

  /** The size of a READY message's body, for the time when its content is in the store alone. Bytes. */
  noteSize(position: number, size: number): void {
    const chunk = this.#chunkOf(position);
    this.#memory.intsOf(chunk)[this.#memory.intOffsetOf(chunk) + (position & CHUNK_MASK) * ENTRY_WORDS + OWNER] = size;
  }

  /** The content of a READY message is in the store alone from now on; the lease on its copy here ends. */
  letGo(position: number, address: number): void {
    this.setAddress(position, 0);
    this.#memory.release(address);
  }

  /** Whether a letter may speak of this position at all: it is between head and tail. */
  holds(position: number): boolean {
    return ((position - this.head) | 0) >= 0 && ((this.tail - position) | 0) > 0;
  }

  setState(position: number, state: number, owner: number): void {
    const chunk = this.#chunkOf(position);
    const ints = this.#memory.intsOf(chunk);
    const entry = this.#memory.intOffsetOf(chunk) + (position & CHUNK_MASK) * ENTRY_WORDS;
    ints[entry + OWNER] = owner;
    ints[entry + STATE] = state;
  }

  /** The message leaves the queue; its lease ends. `counter` is SETTLED or DROPPED. */
  remove(position: number, counter: typeof SETTLED | typeof DROPPED): void {
    const chunk = this.#chunkOf(position);
    const ints = this.#memory.intsOf(chunk);
    const entry = this.#memory.intOffsetOf(chunk) + (position & CHUNK_MASK) * ENTRY_WORDS;
    const isKept = (ints[entry + STATE]! & KEPT_FLAG) !== 0;
    ints[entry + STATE] = GONE;
    this.#slots[this.#slot + counter]!++;
    if (ints[entry + ADDRESS] !== 0) this.#memory.release(ints[entry + ADDRESS]!);
    if (isKept) this.#onKeptGone(position);
    if (position === this.head) this.#dropGoneHead();
  }

  /** Moves HEAD over what is gone, and gives back the chunks that it leaves behind. */
  #dropGoneHead(): void {
    let head = this.head;
    const tail = this.tail;
    while (head !== tail) {
      const chunk = this.#chunks[this.#firstIndex]!;
      const ints = this.#memory.intsOf(chunk);
      let entry = this.#memory.intOffsetOf(chunk) + (head & CHUNK_MASK) * ENTRY_WORDS + STATE;
      do {
        if ((ints[entry]! & STATE_MASK) !== GONE) {
          this.#commitHead(head);
          return;
        }
        entry += ENTRY_WORDS;
        head = (head + 1) | 0;
      } while (head !== tail && (head & CHUNK_MASK) !== 0);
      if ((head & CHUNK_MASK) === 0) this.#dropChunk(head);
    }
    this.#commitHead(head);
  }

  #commitHead(head: number): void {
    this.head = head;
    this.#slots[this.#slot + HEAD] = head;
  }

  #dropChunk(head: number): void {
    const chunk = this.#chunks[this.#firstIndex]!;
    this.#commitHead(head);
    this.#setFirstChunk(this.#memory.nextChunk(chunk), head >>> CHUNK_SHIFT);
    this.#firstIndex++;
    this.#firstNumber = head >>> CHUNK_SHIFT;
    this.#memory.freeChunk(chunk);
    if (this.#firstIndex > 64 && this.#firstIndex * 2 > this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#firstIndex);
      this.#firstIndex = 0;
    }
  }

  /** Says which publish letter begins. Answers how many of its messages an earlier incarnation already appended. */
  beginLetter(sender: number, number: number): number {
    const slot = this.#slot;
    if (this.#slots[slot + LETTER_SENDER] === sender && this.#slots[slot + LETTER_NUMBER] === number) {
      return (this.tail - this.#slots[slot + LETTER_TAIL]!) | 0;
    }
    // The identity last: until it stands, the letter counts as not begun.
    this.#slots[slot + LETTER_SENDER] = 0;
    this.#slots[slot + LETTER_TAIL] = this.tail;
    this.#slots[slot + LETTER_NUMBER] = number;
    this.#slots[slot + LETTER_SENDER] = sender;
    return 0;
  }

  counter(word: number): number {
    return this.#slots[this.#slot + word]!;
  }

  setCounter(word: number, value: number): void {
    this.#slots[this.#slot + word] = value;
  }

  count(word: number, by: number): void {
    this.#slots[this.#slot + word]! += by;
  }

  /** Drops everything the queue holds and gives back its memory. */
  clear(): void {
    // HEAD stands at a message or at TAIL: each removal moves it on, over chunks that are dropped.
    while (this.head !== this.tail) this.remove(this.head, DROPPED);
    const left = this.#chunks.slice(this.#firstIndex);
    this.#chunks = [];
    this.#firstIndex = 0;
    this.#slots[this.#slot + FIRST_CHUNK] = 0;
    for (const chunk of left) this.#memory.freeChunk(chunk);
  }
}
