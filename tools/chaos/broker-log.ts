/** What a node's log says about faults: those that were ordered are counted, all other errors are told. */
const INJECTED_CRASH = /injected crash \d+ of ([a-z-]+)/;
const ORDERED_ERRORS = /injected end of the thread|a scheduler thread was lost and is replaced/;
const STORE_FAILED = 'the store has failed: the node stops';
const THREAD_LOST = 'a scheduler thread was lost and is replaced';
const SURPRISES_MAX = 20;
const SURPRISE_LENGTH_MAX = 600;

export class BrokerLog {
  readonly crashesByGroup = new Map<string, number>();
  readonly surprises: string[] = [];
  threadsLost = 0;
  crashes = 0;
  /** The store's thread was ordered to end, and the node has to say so. */
  storeLossOrdered = false;
  storeLosses = 0;
  #rest = '';

  push(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  /** The process has ended: half a line is not going to be completed. */
  end(): void {
    this.#rest = '';
  }

  #line(line: string): void {
    const group = INJECTED_CRASH.exec(line)?.[1];
    if (line.includes(THREAD_LOST)) this.threadsLost++;
    else if (this.storeLossOrdered && line.includes(STORE_FAILED)) this.storeLosses++;
    else if (group !== undefined) {
      this.crashes++;
      this.crashesByGroup.set(group, (this.crashesByGroup.get(group) ?? 0) + 1);
    } else if (!ORDERED_ERRORS.test(line) && line.trim() !== '' && this.surprises.length < SURPRISES_MAX) this.surprises.push(line.slice(0, SURPRISE_LENGTH_MAX));
  }
}
