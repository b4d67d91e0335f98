import {
  ACCEPTED,
  ADDRESS,
  CHUNK_ENTRIES,
  CHUNK_MASK,
  CHUNK_NUMBER_MASK,
  CHUNK_SHIFT,
  DELIVERED,
  DELIVERIES,
  DROPPED,
  ENTRY_WORDS,
  FIRST_CHUNK,
  FIRST_NUMBER_MASK,
  FLAGS_MASK,
  GAP_MASK,
  GAP_MAX,
  GONE,
  HEAD,
  KEPT_FLAG,
  LETTER_ANSWERED,
  LETTER_NUMBER,
  LETTER_SENDER,
  LETTER_TAIL,
  OWNER,
  READY,
  REDELIVERED,
  REDELIVERED_FLAG,
  SETTLED,
  SLOT_WORDS,
  STATE,
  STATE_MASK,
  TAIL,
  UNSETTLED,
} from './ledger-layout.ts';
import type { QueueMemory } from './queue-memory.ts';

const NO_INTS = new Int32Array(0);

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
  /** The chunks from HEAD's to TAIL's, so that an entry is found without walking the chain; 0 where there is none, because all is gone. */
  #chunks: number[] = [];
  /** Entries of each that went before HEAD came to them. */
  #gone: number[] = [];
  #firstIndex = 0;
  /** Number of the chunk (position >>> CHUNK_SHIFT) that `#chunks[#firstIndex]` is. */
  #firstNumber = 0;
  /** Number of the chunk that an entry was found in last, -1: none; its words, and where it begins there. Most entries follow each other. */
  #foundNumber = -1;
  #ints: Int32Array = NO_INTS;
  #base = 0;
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
    this.#forgetChunks();
    this.#firstNumber = 0;
  }

  #forgetChunks(): void {
    this.#chunks = [];
    this.#gone = [];
    this.#firstIndex = 0;
    this.#foundNumber = -1;
  }

  /**
   * Takes over what an earlier incarnation left. Everything unsettled becomes ready and redelivered, at its place, and a
   * count that was cut off is made up for. That it came back is counted up to `deliveriesMax` (delivery-limit.ts). Answers the flags that
   * messages have, those of all together.
   */
  recover(deliveriesMax = Infinity): number {
    this.head = this.#slots[this.#slot + HEAD]!;
    this.tail = this.#slots[this.#slot + TAIL]!;
    this.#forgetChunks();
    this.#recoverChain();
    let live = 0;
    let flags = 0;
    for (let position = this.head; position !== this.tail; position = this.after(position)) {
      const state = this.state(position);
      flags |= state & FLAGS_MASK;
      if ((state & STATE_MASK) === UNSETTLED) {
        this.setState(position, READY | REDELIVERED_FLAG | (state & FLAGS_MASK), 0);
        if (this.deliveries(position) < deliveriesMax) this.countDelivery(position);
      }
      if ((state & STATE_MASK) === GONE) this.#countGone(position);
      else live++;
    }
    this.#dropGoneHead();
    // Each message ever accepted has had a position, from 0 on.
    this.setCounter(ACCEPTED, this.tail);
    this.setCounter(SETTLED, this.tail - live - this.counter(DROPPED));
    return flags;
  }

  /**
   * HEAD and FIRST_CHUNK are two words, and a thread may end between them, so that HEAD is a chunk of the chain ahead: the low bits of
   * FIRST_CHUNK say which one it is.
   */
  #recoverChain(): void {
    const first = this.#slots[this.#slot + FIRST_CHUNK]!;
    const headNumber = this.head >>> CHUNK_SHIFT;
    this.#firstNumber = headNumber;
    if (first === 0) return;
    const behind = (headNumber - (first & FIRST_NUMBER_MASK)) & FIRST_NUMBER_MASK;
    this.#firstNumber = (headNumber - behind) & CHUNK_NUMBER_MASK;
    this.#addToIndex(first & ~FIRST_NUMBER_MASK);
    for (let link = this.#memory.nextChunk(this.#chunks[0]!); link !== 0; ) {
      this.#addHole((link & GAP_MASK) - 1);
      this.#addToIndex(link & ~GAP_MASK);
      link = this.#memory.nextChunk(link & ~GAP_MASK);
    }
    const chunks = ((this.tail >>> CHUNK_SHIFT) - this.#firstNumber) & CHUNK_NUMBER_MASK;
    this.#addHole(chunks - this.#chunks.length);
    // The chunk that HEAD has left was not dropped yet: `#chunks` begins with HEAD's from now on.
    if (behind !== 0) this.#dropChunk();
  }

  #addToIndex(chunk: number): void {
    this.#chunks.push(chunk);
    this.#gone.push(0);
  }

  #addHole(chunks: number): void {
    for (let chunk = 0; chunk < chunks; chunk++) this.#addToIndex(0);
  }

  #setFirstChunk(chunk: number, number: number): void {
    this.#slots[this.#slot + FIRST_CHUNK] = chunk === 0 ? 0 : chunk | (number & FIRST_NUMBER_MASK);
  }

  /** Chunks that it has. */
  get chunkCount(): number {
    return this.#chunks.reduce((count, chunk, index) => (chunk === 0 || index < this.#firstIndex ? count : count + 1), 0);
  }

  #indexOf(position: number): number {
    return this.#firstIndex + (((position >>> CHUNK_SHIFT) - this.#firstNumber) & CHUNK_NUMBER_MASK);
  }

  /** Appends a message. Answers false, and changes nothing, when there is no memory for its entry. */
  append(address: number, flags: number): boolean {
    const position = this.tail;
    const isFound = position >>> CHUNK_SHIFT === this.#foundNumber;
    if (!isFound && this.#indexOf(position) === this.#chunks.length && !this.#addChunk(position)) return false;
    const entry = this.#entryOf(position);
    const ints = this.#ints;
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

  /**
   * The positions before `through` were settled before: only in what the store brings back, never before HEAD's message. Answers false when
   * there is no memory; there is little to need, however many they are.
   */
  appendGone(through: number): boolean {
    while (this.tail !== through) {
      const left = (through - this.tail) | 0;
      if ((this.tail & CHUNK_MASK) === 0 && left >= CHUNK_ENTRIES && this.#gapBehind(this.#chunks.length) < GAP_MAX) {
        this.#addHole(1);
        this.#slots[this.#slot + ACCEPTED]! += CHUNK_ENTRIES;
        this.tail = (this.tail + CHUNK_ENTRIES) | 0;
        this.#slots[this.#slot + TAIL] = this.tail;
        continue;
      }
      const position = this.tail;
      if (!this.append(0, 0)) return false;
      this.setState(position, GONE, 0);
      this.#countGone(position);
    }
    return true;
  }

  #addChunk(position: number): boolean {
    const chunk = this.#memory.allocateChunk();
    if (chunk === 0) return false;
    this.#memory.setNextChunk(chunk, 0);
    const index = this.#chunks.length;
    if (index === this.#firstIndex) {
      this.#firstNumber = position >>> CHUNK_SHIFT;
      this.#setFirstChunk(chunk, this.#firstNumber);
    } else {
      const gap = this.#gapBehind(index);
      this.#memory.setNextChunk(this.#chunks[index - gap]!, chunk | gap);
    }
    this.#addToIndex(chunk);
    return true;
  }

  /** How far back from `index` the chunk before it stands; the first one in the index is always there. */
  #gapBehind(index: number): number {
    let gap = 1;
    while (this.#chunks[index - gap] === 0) gap++;
    return gap;
  }

  /** An entry is gone that HEAD has not come to. What HEAD passes by is never counted, so HEAD's chunk is never full of such. */
  #countGone(position: number): void {
    const index = this.#indexOf(position);
    if (++this.#gone[index]! === CHUNK_ENTRIES) this.#cutOut(index);
  }

  /** Gives back a chunk in the midst of the chain, unless those beside it would be too far from each other then. */
  #cutOut(index: number): void {
    if (index === this.#firstIndex) return;
    const memory = this.#memory;
    const chunk = this.#chunks[index]!;
    const link = memory.nextChunk(chunk);
    const behind = this.#gapBehind(index);
    const gap = behind + (link === 0 ? 1 : link & GAP_MASK);
    if (gap > GAP_MAX) return;
    memory.setNextChunk(this.#chunks[index - behind]!, link === 0 ? 0 : (link & ~GAP_MASK) | gap);
    this.#chunks[index] = 0;
    this.#foundNumber = -1;
    memory.freeChunk(chunk);
  }

  /** The position behind this one, or, where nothing but what is gone follows, the next of which anything is known, or TAIL. */
  after(position: number): number {
    let next = (position + 1) | 0;
    if ((next & CHUNK_MASK) !== 0) return next;
    for (let index = this.#indexOf(next); this.#chunks[index] === 0; index++) next = (next + CHUNK_ENTRIES) | 0;
    return next;
  }

  /** Where the words of an entry begin in `#ints`, until another one is looked for. */
  #entryOf(position: number): number {
    const number = position >>> CHUNK_SHIFT;
    if (number !== this.#foundNumber) this.#findChunk(number);
    return this.#base + (position & CHUNK_MASK) * ENTRY_WORDS;
  }

  #findChunk(number: number): void {
    const chunk = this.#chunks[this.#firstIndex + ((number - this.#firstNumber) & CHUNK_NUMBER_MASK)]!;
    this.#ints = this.#memory.intsOf(chunk);
    this.#base = this.#memory.intOffsetOf(chunk);
    this.#foundNumber = number;
  }

  address(position: number): number {
    const entry = this.#entryOf(position);
    return this.#ints[entry + ADDRESS]!;
  }

  state(position: number): number {
    const entry = this.#entryOf(position);
    return this.#ints[entry + STATE]!;
  }

  owner(position: number): number {
    const entry = this.#entryOf(position);
    return this.#ints[entry + OWNER]!;
  }

  deliveries(position: number): number {
    const entry = this.#entryOf(position);
    return this.#ints[entry + DELIVERIES]!;
  }

  /** The message came back once more. Answers how often it has. */
  countDelivery(position: number): number {
    const entry = this.#entryOf(position);
    return ++this.#ints[entry + DELIVERIES]!;
  }

  setDeliveries(position: number, deliveries: number): void {
    const entry = this.#entryOf(position);
    this.#ints[entry + DELIVERIES] = deliveries;
  }

  /** Where the content of a READY or DYING message lies now; 0: in the store alone. */
  setAddress(position: number, address: number): void {
    const entry = this.#entryOf(position);
    this.#ints[entry + ADDRESS] = address;
  }

  /** The size of a READY message's body, for the time when its content is in the store alone. Bytes. */
  noteSize(position: number, size: number): void {
    const entry = this.#entryOf(position);
    this.#ints[entry + OWNER] = size;
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
    const entry = this.#entryOf(position);
    const ints = this.#ints;
    ints[entry + OWNER] = owner;
    ints[entry + STATE] = state;
  }

  /** The READY message at `position` becomes UNSETTLED, held by `owner`. Answers its flags. */
  deliver(position: number, owner: number): number {
    const entry = this.#entryOf(position);
    const ints = this.#ints;
    const flags = ints[entry + STATE]! & FLAGS_MASK;
    ints[entry + OWNER] = owner;
    ints[entry + STATE] = UNSETTLED | flags;
    this.#slots[this.#slot + DELIVERED]!++;
    if ((flags & REDELIVERED_FLAG) !== 0) this.#slots[this.#slot + REDELIVERED]!++;
    return flags;
  }

  /** The message leaves the queue; its lease ends. `counter` is SETTLED or DROPPED. */
  remove(position: number, counter: typeof SETTLED | typeof DROPPED): void {
    const entry = this.#entryOf(position);
    const ints = this.#ints;
    const isKept = (ints[entry + STATE]! & KEPT_FLAG) !== 0;
    ints[entry + STATE] = GONE;
    this.#slots[this.#slot + counter]!++;
    if (ints[entry + ADDRESS] !== 0) this.#memory.release(ints[entry + ADDRESS]!);
    if (isKept) this.#onKeptGone(position);
    if (position === this.head) this.#dropGoneHead();
    else this.#countGone(position);
  }

  /**
   * Removes messages from HEAD on as settled, at most `count`: as long as `owner` holds them and the store does not keep them. Answers how
   * many. The same as `remove` for each, of those that are settled in the order in which they came.
   */
  removeFromHead(owner: number, count: number): number {
    const { head } = this;
    let entry = this.#entryOf(head);
    const ints = this.#ints;
    const end = Math.min(count, (this.tail - head) | 0, CHUNK_ENTRIES - (head & CHUNK_MASK));
    let removed = 0;
    for (; removed < end; removed++, entry += ENTRY_WORDS) {
      if ((ints[entry + STATE]! & (STATE_MASK | KEPT_FLAG)) !== UNSETTLED || ints[entry + OWNER] !== owner) break;
      ints[entry + STATE] = GONE;
      this.#memory.release(ints[entry + ADDRESS]!);
    }
    this.#slots[this.#slot + SETTLED]! += removed;
    if (removed > 0) this.#dropGoneHead();
    return removed;
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
      if ((head & CHUNK_MASK) === 0) head = this.#dropChunk();
    }
    this.#commitHead(head);
  }

  #commitHead(head: number): void {
    this.head = head;
    this.#slots[this.#slot + HEAD] = head;
  }

  /** Moves HEAD to the next chunk, or to TAIL when there is none, and gives back the one it stood in. Answers where HEAD is. */
  #dropChunk(): number {
    const left = this.#firstIndex;
    const chunk = this.#chunks[left]!;
    const next = this.#memory.nextChunk(chunk) & ~GAP_MASK;
    let index = left + 1;
    while (this.#chunks[index] === 0) index++;
    const number = (this.#firstNumber + index - left) & CHUNK_NUMBER_MASK;
    this.#commitHead((number << CHUNK_SHIFT) | 0);
    this.#setFirstChunk(next, number);
    this.#firstIndex = index;
    this.#firstNumber = number;
    this.#memory.freeChunk(chunk);
    if (index > 64 && index * 2 > this.#chunks.length) {
      this.#chunks = this.#chunks.slice(index);
      this.#gone = this.#gone.slice(index);
      this.#firstIndex = 0;
    }
    return this.head;
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
    // Threads number their letters each for itself: what was answered with this number may be the letter of another thread.
    this.#slots[slot + LETTER_ANSWERED] = 0;
    this.#slots[slot + LETTER_SENDER] = sender;
    return 0;
  }

  counter(word: number): number {
    return this.#slots[this.#slot + word]!;
  }

  setCounter(word: number, value: number): void {
    this.#slots[this.#slot + word] = value;
  }

  /** Drops everything the queue holds and gives back its memory. */
  clear(): void {
    // HEAD stands at a message or at TAIL: each removal moves it on, over chunks that are dropped.
    while (this.head !== this.tail) this.remove(this.head, DROPPED);
    const left = this.#chunks.slice(this.#firstIndex).filter((chunk) => chunk !== 0);
    this.#forgetChunks();
    this.#slots[this.#slot + FIRST_CHUNK] = 0;
    for (const chunk of left) this.#memory.freeChunk(chunk);
  }
}
