/** The store of a node without one: it keeps nothing, and says so. */
export class VolatileStore {
  readonly durable = false;

  open(): void {}

  close(): void {}
}
