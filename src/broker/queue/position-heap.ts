/** The positions that came back to a queue, oldest first: a binary heap, because they come back in any order. */
export class PositionHeap {
  #positions: number[] = [];

  get size(): number {
    return this.#positions.length;
  }

  clear(): void {
    this.#positions = [];
  }

  push(position: number): void {
    const heap = this.#positions;
    let hole = heap.length;
    heap.push(position);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (((position - heap[parent]!) | 0) >= 0) break;
      heap[hole] = heap[parent]!;
      hole = parent;
    }
    heap[hole] = position;
  }

  /** All of them, in no order but that the oldest is the first. */
  values(): Iterable<number> {
    return this.#positions;
  }

  /** The oldest position, without taking it. Only when `size` is not 0. */
  peek(): number {
    return this.#positions[0]!;
  }

  pop(): number {
    const heap = this.#positions;
    const oldest = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    return oldest;
  }

  #sink(position: number): void {
    const heap = this.#positions;
    const size = heap.length;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= size) break;
      if (child + 1 < size && ((heap[child + 1]! - heap[child]!) | 0) < 0) child++;
      if (((position - heap[child]!) | 0) <= 0) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = position;
  }
}
