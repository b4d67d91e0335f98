/** Writes dead letters: copies of messages that died (copy-writer.ts), with another key and another header. */
import type { BasicProperties } from './basic-properties.ts';
import { CopyWriter } from './copy-writer.ts';
import type { CopyDraft } from './copy-draft.ts';
import { DeadLetterHeader } from './dead-letter-header.ts';
import { HEADER_SIZE, KEY_SIZE, type MessageMemory, headerOffset } from './stored-message.ts';

export class DeadLetterRecord {
  readonly header = new DeadLetterHeader();
  readonly #memory: MessageMemory;
  readonly #copies: CopyWriter;
  /** The message that died. */
  #source = 0;

  /** `draft` hears of each letter that is begun. */
  constructor(memory: MessageMemory, draft: CopyDraft) {
    this.#memory = memory;
    this.#copies = new CopyWriter(memory, draft);
  }

  /** Bytes of the letter that was written last. */
  get sizeBytes(): number {
    return this.#copies.sizeBytes;
  }

  /** The message at `address` has died: `header` tells of its header. */
  look(address: number): void {
    const ints = this.#memory.intsOf(address);
    const record = this.#memory.byteOffsetOf(address);
    const word = record >> 2;
    const header = record + headerOffset(ints[word + KEY_SIZE]!);
    this.#source = address;
    this.header.look(this.#memory.bytesOf(address), header, header + ints[word + HEADER_SIZE]!);
  }

  /** Its letter with `fields` added to the headers. `key`: exchange and routing key as short strings. 0: memory is exhausted. */
  withFields(key: Buffer, fields: Buffer, leases: number): number {
    const address = this.#copies.begin(this.#source, key, this.header.sizeWith(fields.length), leases);
    if (address !== 0) this.header.writeWith(fields, this.#memory.bytesOf(address), this.#memory.byteOffsetOf(address) + headerOffset(key.length));
    return address;
  }

  /** Its letter with these properties instead. `keepsKeys`: the routing keys that nobody sees go along. */
  withProperties(key: Buffer, properties: BasicProperties, leases: number, keepsKeys: boolean): number {
    return this.#copies.withProperties(this.#source, key, properties, leases, keepsKeys);
  }
}
