/**
 * One channel of a session while it is played: collects what comes, knows what it holds unsettled and which confirms it waits for, and
 * opens itself again when the broker closed it.
 */
import type { Incoming, RawChannel } from '../../support/raw-channel.ts';
import { fieldsOf, shownFrame } from './shown-frame.ts';

export type HeldDelivery = { readonly tag: number; readonly body: string };

export class PlayedChannel {
  readonly name: string;
  raw: RawChannel;
  /** What came since the last look. */
  lines: string[] = [];
  held: HeldDelivery[] = [];
  /** Consumer tags whose deliveries need no acknowledgement. */
  readonly automatic = new Set<string>();
  /** The last basic.get needs none. */
  getsAutomatically = false;
  confirming = false;
  #published = 0;
  readonly #unconfirmed = new Map<number, string>();
  #answered: string[] = [];
  #lastTag = 0;
  readonly #shorten: (text: string) => string;

  constructor(name: string, raw: RawChannel, shorten: (text: string) => string) {
    this.name = name;
    this.raw = raw;
    this.#shorten = shorten;
  }

  published(body: string): void {
    this.#published++;
    if (this.confirming) this.#unconfirmed.set(this.#published, body);
  }

  confirmSelected(): void {
    if (this.confirming) return;
    this.confirming = true;
    this.#published = 0;
  }

  get awaitsConfirms(): boolean {
    return this.#unconfirmed.size > 0;
  }

  /** A fresh channel of the same number. */
  reset(): void {
    this.held = [];
    this.automatic.clear();
    this.confirming = false;
    this.#published = 0;
    this.#unconfirmed.clear();
    this.#lastTag = 0;
  }

  /** Takes a frame; answers whether it was a close, which has been answered, so that the channel is to be opened again. */
  async take(incoming: Incoming): Promise<boolean> {
    const fields = fieldsOf(incoming);
    switch (incoming.name) {
      case 'basic.deliver':
        this.#deliver(fields, incoming, this.automatic.has(String(fields['consumerTag'])));
        break;
      case 'basic.get-ok':
        this.#deliver(fields, incoming, this.getsAutomatically);
        break;
      case 'basic.ack':
      case 'basic.nack':
        this.#confirm(incoming.name, Number(fields['deliveryTag']), fields['multiple'] === true);
        return false;
      case 'channel.close':
        this.lines.push(shownFrame(incoming, this.#shorten));
        this.raw.send('channel.close-ok');
        await this.raw.call('channel.open');
        this.reset();
        return true;
    }
    this.lines.push(shownFrame(incoming, this.#shorten));
    return false;
  }

  /** What was shown since the last time, answers to publishes last: when they come between the others is nobody's business. */
  takeLines(): string[] {
    const lines = [...this.lines, ...this.#answered.sort()];
    this.lines = [];
    this.#answered = [];
    return lines.map((line) => `${this.name} ${line}`);
  }

  #deliver(fields: Readonly<Record<string, unknown>>, incoming: Incoming, automatic: boolean): void {
    const tag = Number(fields['deliveryTag']);
    if (tag !== this.#lastTag + 1) this.lines.push(`delivery tag ${tag} after ${this.#lastTag}`);
    this.#lastTag = tag;
    if (!automatic) this.held.push({ tag, body: String(incoming.body) });
  }

  #confirm(name: string, tag: number, multiple: boolean): void {
    for (const [sequence, body] of this.#unconfirmed) {
      if (sequence !== tag && !(multiple && (tag === 0 || sequence < tag))) continue;
      this.#unconfirmed.delete(sequence);
      this.#answered.push(`${name === 'basic.ack' ? 'confirmed' : 'refused'} "${body}"`);
    }
  }
}
