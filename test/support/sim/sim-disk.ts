import { type Disk, type DiskChange, type DiskEntry, DiskFullError } from '../../../src/store/port.ts';
import { MemoryDisk } from '../memory-disk.ts';
import { SimJournal, type JournalMoment } from './sim-journal.ts';

/** Thrown out of a commit: the process ends there, with the transaction done or not begun. */
export class ProcessEnd extends Error {
  override readonly name = 'ProcessEnd';
}

/** Asked at each commit, before it is done and after. Whatever it throws, the commit throws. */
export type CommitPlan = (moment: JournalMoment) => void;

/** A disk, and a journal in front of it, that outlive the nodes of a run: what was committed stands there, whatever happens to who committed it. */
export class SimDisk implements Disk {
  readonly #disk = new MemoryDisk();
  readonly journal = new SimJournal();
  #full = false;
  /** Commits that found no room. */
  refusals = 0;
  #plan: CommitPlan | undefined = undefined;
  /** Told of each commit that is done. */
  onCommitted: () => void = () => {};

  set plan(plan: CommitPlan | undefined) {
    this.#plan = plan;
    this.journal.plan = plan;
  }

  set full(full: boolean) {
    this.#full = full;
    this.journal.full = full;
  }

  get(key: Uint8Array): Buffer | undefined {
    return this.#disk.get(key);
  }

  keys(from: Uint8Array, to: Uint8Array): Iterable<Buffer> {
    return this.#disk.keys(from, to);
  }

  entries(from: Uint8Array, to: Uint8Array): Iterable<DiskEntry> {
    return this.#disk.entries(from, to);
  }

  commit(changes: readonly DiskChange[]): void {
    if (this.#full) {
      this.refusals++;
      throw new DiskFullError('there is no room');
    }
    this.#plan?.('before');
    this.#disk.commit(changes);
    this.onCommitted();
    this.#plan?.('after');
  }

  get commits(): number {
    return this.#disk.commits + this.journal.writes;
  }
}
