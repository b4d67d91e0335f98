/** The messages of one transaction: so many, then a commit, and nothing until the broker has answered it. */
export class TransactionWindow {
  readonly #size: number;
  readonly #commit: () => void;
  #open = 0;
  #isCommitting = false;

  /** `commit` writes tx.commit. */
  constructor(size: number, commit: () => void) {
    this.#size = size;
    this.#commit = commit;
  }

  /** How many more may be published now. */
  get room(): number {
    return this.#isCommitting ? 0 : this.#size - this.#open;
  }

  /** 1 while a commit is under way. */
  get outstanding(): number {
    return this.#isCommitting ? 1 : 0;
  }

  /** So many more have been written. */
  wrote(count: number): void {
    this.#open += count;
    if (this.#open < this.#size) return;
    this.#open = 0;
    this.#isCommitting = true;
    this.#commit();
  }

  committed(): void {
    this.#isCommitting = false;
  }
}
