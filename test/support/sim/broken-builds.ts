/** Builds of the broker that are wrong in one place each: the simulation must find every one of them. */
export type BrokenBuild = {
  readonly name: string;
  readonly file: string;
  readonly right: string;
  readonly wrong: string;
};

export const BROKEN_BUILDS: readonly BrokenBuild[] = [
  {
    name: 'a publish that is read again after a crash is appended again',
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
    file: 'src/broker/queue/position-heap.ts',
    right: 'if (((position - heap[parent]!) | 0) >= 0) break;',
    wrong: 'break;',
  },
];
