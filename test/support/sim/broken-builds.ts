import type { SourceChange } from '../source-change.ts';

/** Builds of the broker that are wrong in one place each: a simulation must find every one of them. */
export type BrokenBuild = SourceChange & {
  readonly name: string;
  /** Only a node with its store can show it. */
  readonly stored?: true;
  /** Only one that holds messages back, too. */
  readonly delayed?: true;
  /** Only one whose threads are lost while replicas crash. */
  readonly losses?: true;
  /** One that has shown it, where few do: it is tried first. */
  readonly seed?: number;
};

export const BROKEN_BUILDS: readonly BrokenBuild[] = [
  {
    name: 'a publish that is read again after a crash is appended again',
    seed: 27,
    file: 'src/broker/queue/ledger.ts',
    right: 'return (this.tail - this.#slots[slot + LETTER_TAIL]!) | 0;',
    wrong: 'return 0;',
  },
  {
    name: 'what a crashed queue had delivered comes again unmarked',
    file: 'src/broker/queue/ledger.ts',
    right: 'this.setState(position, READY | REDELIVERED_FLAG | (state & FLAGS_MASK), 0);',
    wrong: 'this.setState(position, READY, 0);',
  },
  {
    name: 'the letter in hand is lost with the incarnation that read it',
    file: 'actors/runtime/scheduler.ts',
    right: 'mailbox.inHand ?? mailbox.next()',
    wrong: 'mailbox.next()',
  },
  {
    name: 'a body is given back before the socket has taken it',
    file: 'actors/connection/session.ts',
    right: 'this.memory.hold(address);',
    wrong: 'this.memory.hold(address); this.memory.release(address);',
  },
  {
    name: 'nobody rings when records come into the ring of a thread that sleeps',
    file: 'actors/runtime/ring/mesh.ts',
    right: 'if (outbound.show() && this.flags.takeBell(to)) this.doorbell.ring(to);',
    wrong: 'outbound.show();',
  },
  {
    name: 'a requeued message goes to the end of those that came back',
    seed: 8,
    file: 'src/broker/queue/position-heap.ts',
    right: 'if (((position - heap[parent]!) | 0) >= 0) break;',
    wrong: 'break;',
  },
  {
    name: 'the store confirms before the commit',
    seed: 18,
    stored: true,
    file: 'actors/store/store-actor.ts',
    right: '    try {\n      if (this.#store.waiting',
    wrong: '    this.#answers.send((to, letter) => this.#context.tell(to, letter));\n    try {\n      if (this.#store.waiting',
  },
  {
    name: 'what died leaves its queue when its letter has left, not when it is stored',
    seed: 29,
    stored: true,
    file: 'actors/queue/dead-letters.ts',
    right: '    if (links > 0) this.#copies.add(position, links, this.#record.sizeBytes);\n    else this',
    wrong: '    this',
  },
  {
    name: 'the letter of a message that died before a kill comes again unmarked',
    seed: 10,
    stored: true,
    file: 'src/main/ledger-filling.ts',
    right: 'store.unsureTo(id) ?? 0',
    wrong: '0',
  },
  {
    name: 'a letter that an incarnation or to a lost thread was sent comes again unmarked',
    seed: 59,
    file: 'src/broker/queue/dying.ts',
    right: 'this.#ledger.owner(position) & SENT) !== 0;',
    wrong: 'this.#ledger.owner(position) & SENT) > SENT;',
  },
  {
    name: 'a message that was going out at a kill comes again unmarked',
    seed: 12,
    stored: true,
    delayed: true,
    file: 'src/store/timelines.ts',
    right: '!clean || record === undefined',
    wrong: 'record === undefined',
  },
  {
    name: 'a message that was going out when a thread was lost comes again unmarked',
    stored: true,
    delayed: true,
    file: 'src/store/timeline.ts',
    right: 'if (!this.#isHandedOut || goneMs <= this.#goneMs) return;',
    wrong: 'if (!this.#isHandedOut || goneMs <= this.#goneMs || this.horizon !== BEFORE_ALL) return;',
  },
  {
    name: 'a replica that crashed does not say that its thread has heard of a loss',
    seed: 30,
    stored: true,
    losses: true,
    file: 'actors/topology/replica-actor.ts',
    right: 'before === undefined ? new Set() : before.#fencing',
    wrong: 'new Set()',
  },
  {
    name: 'what came back for the second time waits no longer than for the first',
    seed: 84,
    stored: true,
    delayed: true,
    file: 'src/broker/queue/delayed-retry.ts',
    right: 'minMs * Math.max(deliveries, 1)',
    wrong: 'minMs',
  },
  {
    name: 'what came back waits for the youngest of those that do, not for itself',
    seed: 32,
    stored: true,
    delayed: true,
    file: 'src/broker/queue/delayed-retry.ts',
    right: 'max > 0 && this.nextMs <= nowMs; max--) yield this.#pop();',
    wrong: 'max > 0 && this.nextMs <= nowMs; max--) for (const position of this.takeAll()) yield position;',
  },
  {
    name: 'a queue that crashed forgets what was dying',
    seed: 25,
    file: 'src/broker/queue/dying.ts',
    right: '=== DYING) this.#join(position);',
    wrong: '=== DYING) continue;',
  },
  {
    name: 'a queue that crashed does not hand over what it had accepted',
    seed: 134,
    stored: true,
    file: 'actors/queue/keeping.ts',
    right: '>= 0 && address !== 0) this.append(',
    wrong: '>= 0 && address === -1) this.append(',
  },
  {
    name: 'retain settles one position too many',
    stored: true,
    file: 'src/store/store.ts',
    right: 'if (from > settled) chain.settle(settled, from);',
    wrong: 'if (from > settled) chain.settle(settled, from + 1);',
  },
  {
    name: 'a settle leaves before the append of its message',
    stored: true,
    file: 'actors/queue/keeping.ts',
    right: '    const last = batch.ints![batch.count - APPEND_WORDS + 1]!;\n',
    wrong:
      '    const last = batch.ints![batch.count - APPEND_WORDS + 1]!;\n' +
      '    if (this.#settles.count > 0) this.#tell(this.#letter(StoreLetter.settle, this.#settles));\n',
  },
  {
    name: 'the mark of a clean stop is left in place',
    stored: true,
    file: 'src/store/commit-group.ts',
    right: 'else if (this.#marked && (this.#markFound || changes.length > 0))',
    wrong: 'else if (this.#marked && changes.length > 1e9)',
  },
  {
    name: 'a content that was read back fills the wrong position',
    stored: true,
    file: 'actors/queue/keeping.ts',
    right: 'this.#machine.contents.fill(ints[at]!, address)',
    wrong: 'this.#machine.contents.fill((ints[at]! + 1) | 0, address)',
  },
  {
    name: 'a paged message is let go of before it was handed to the store',
    stored: true,
    file: 'src/broker/queue/contents.ts',
    right: '        page(position, address);\n',
    wrong: '        this.#letGo(position, address);\n',
  },
  {
    name: 'a restart forgets which messages were delivered before',
    stored: true,
    file: 'src/main/ledger-filling.ts',
    right: '((flags & AppendFlag.redelivered) === 0 ? 0 : REDELIVERED_FLAG)',
    wrong: '(deliveries >= 0 ? 0 : REDELIVERED_FLAG)',
  },
  {
    name: 'a restart forgets priorities',
    stored: true,
    file: 'src/main/ledger-filling.ts',
    right: ' | (flags & LEVEL_MASK) | ',
    wrong: ' | ',
  },
  {
    name: 'a message that comes back goes to the lowest priority',
    file: 'src/broker/queue/ledger-layout.ts',
    right: ' | EXPIRING_FLAG | LEVEL_MASK;',
    wrong: ' | EXPIRING_FLAG;',
  },
  {
    name: 'a record of the journal is confirmed that was not written',
    stored: true,
    file: 'src/store/journal/journaled-disk.ts',
    right: 'this.#file.write(laid, this.#blocks * BLOCK_BYTES);',
    wrong: 'if (this.#records % 3 !== 2) this.#file.write(laid, this.#blocks * BLOCK_BYTES);',
  },
  {
    name: 'what the journal holds overtakes the commit that takes it along',
    stored: true,
    file: 'src/store/journal/journaled-disk.ts',
    right: '[...this.#overlay.changes(), ...changes, ...',
    wrong: '[...changes, ...this.#overlay.changes(), ...',
  },
  {
    name: 'a large commit overtakes what the journal holds',
    stored: true,
    file: 'src/store/journal/journaled-disk.ts',
    right: 'if (this.#begun && this.#records === 0) return',
    wrong: 'if (this.#begun && changes.length > 0 && this.#blocks < this.#mark.blocks / 2) return',
  },
  {
    name: 'the journal begins anew in the same cycle',
    stored: true,
    file: 'src/store/journal/journaled-disk.ts',
    right: 'const mark = { cycle: this.#lastCycle + 1,',
    wrong: 'const mark = { cycle: Math.max(this.#lastCycle, 1),',
  },
  {
    name: 'what lies over the database is not seen',
    stored: true,
    file: 'src/store/journal/overlaid-disk.ts',
    right: 'if (!this.#overlay.has(key)) return',
    wrong: 'if (key.length > 0) return',
  },
  {
    name: 'a start does not read the journal',
    stored: true,
    file: 'src/store/journal/journaled-disk.ts',
    right: 'for (const changes of records) this.#overlay.take(changes);',
    wrong: '',
  },
];
