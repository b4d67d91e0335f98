import * as assert from 'uvu/assert';
import type { StoreMemory } from '../../src/store/port.ts';

type Message = { readonly record: Buffer; leases: number; place: number };

/** Messages with leases. What is read after its lease has ended is spoilt, and a lease that ends twice is an error. */
export class LeasedMemory implements StoreMemory {
  readonly #messages = new Map<number, Message>();
  /** Addresses are given again at once, the last one first. */
  readonly #free: number[] = [];
  #next = 1;
  /** So many messages fit. */
  capacity = Infinity;

  /** A message with one lease. */
  add(content: Uint8Array): number {
    const address = this.#free.pop() ?? this.#next++;
    this.#messages.set(address, { record: Buffer.from(content), leases: 1, place: 0 });
    return address;
  }

  /** One more lease. */
  hold(address: number): void {
    this.#at(address).leases++;
  }

  sizeOf(address: number): number {
    return this.recordOf(address).length;
  }

  copy(address: number, size: number, target: Buffer, at: number): void {
    this.recordOf(address).copy(target, at, 0, size);
  }

  recordOf(address: number): Buffer {
    return this.#at(address).record;
  }

  release(address: number): void {
    const message = this.#at(address);
    if (--message.leases > 0) return;
    message.record.fill(0xdd);
    this.#messages.delete(address);
    this.#free.push(address);
  }

  write(record: Uint8Array): number {
    return this.#messages.size >= this.capacity ? 0 : this.add(record);
  }

  placeOf(address: number): number {
    return this.#at(address).place;
  }

  setPlace(address: number, place: number): void {
    this.#at(address).place = place;
  }

  get leases(): number {
    let sum = 0;
    for (const { leases } of this.#messages.values()) sum += leases;
    return sum;
  }

  #at(address: number): Message {
    const message = this.#messages.get(address);
    assert.ok(message, `there is no message at ${address}`);
    return message!;
  }
}
