import type { Method } from '../../../src/amqp/method-table.ts';
import type { Entry } from './message-book.ts';
import type { Role, SimClient } from './sim-client.ts';
import { declareOf, type SimQueue } from './sim-queue.ts';
import { type SimWorld, Talk } from './talk.ts';

const CHANNEL = 1;
const HELD_MAX = 10;

/** Takes messages one by one (basic.get) from queues that others consume from, keeps some for a while and settles them. */
export class GettingRole implements Role {
  readonly name: string;
  readonly #client: SimClient;
  readonly #world: SimWorld;
  readonly #queues: readonly SimQueue[];
  readonly #talk: Talk;
  #held: { readonly deliveryTag: number; readonly entry: Entry }[] = [];
  #ready = false;

  constructor(name: string, client: SimClient, world: SimWorld, queues: readonly SimQueue[]) {
    this.name = name;
    this.#client = client;
    this.#world = world;
    this.#queues = queues;
    this.#talk = new Talk(name, CHANNEL, client, world);
  }

  get waiting(): string | undefined {
    return this.#client.state === 'closed' ? undefined : this.#client.state === 'handshake' ? 'its connection' : this.#talk.waiting;
  }

  opened(): void {
    this.#talk.ask({ name: 'channel.open' }, 'channel.open-ok', () => this.#declare(0));
  }

  #declare(index: number): void {
    const queue = this.#queues[index];
    if (queue === undefined) this.#ready = true;
    else this.#talk.ask(declareOf(queue), 'queue.declare-ok', () => this.#declare(index + 1));
  }

  received(_channel: number, method: Method, body: Buffer | undefined): void {
    if (!this.#talk.takes(method, body)) this.#world.violate(`${this.name} got ${JSON.stringify(method)}`);
  }

  act(): boolean {
    const { random, winding } = this.#world;
    if (this.#client.state !== 'open' || winding || !this.#ready || this.#talk.waiting !== undefined) return false;
    const what = random.next();
    if (what < 0.02) this.#client.reset();
    else if (what < 0.03) this.#client.close();
    else if (what < 0.5 && this.#held.length > 0) this.#settle();
    else if (this.#held.length < HELD_MAX) this.#get(random.of(this.#queues).name);
    else return false;
    return true;
  }

  #get(queue: string): void {
    const { book } = this.#world;
    this.#talk.askFor({ name: 'basic.get', queue, noAck: false }, ['basic.get-ok', 'basic.get-empty'], (answer, body) => {
      if (answer.name !== 'basic.get-ok') return;
      const entry = book.read(body!, queue, this.name);
      if (entry === undefined) return;
      book.delivered(entry, answer.redelivered, 0, this.name);
      this.#held.push({ deliveryTag: answer.deliveryTag, entry });
    });
  }

  #settle(): void {
    const { random, book } = this.#world;
    const [{ deliveryTag, entry } = never()] = this.#held.splice(random.below(this.#held.length), 1);
    const what = random.next();
    if (what < 0.6) this.#client.send(CHANNEL, { name: 'basic.ack', deliveryTag, multiple: false });
    else this.#client.send(CHANNEL, { name: 'basic.reject', deliveryTag, requeue: what < 0.9 });
    if (what < 0.6) book.settled(entry);
    else if (what < 0.9) book.returned(entry);
    else book.rejected(entry, this.#queues.some(({ name, grave }) => name === entry.queue && grave !== undefined));
  }

  closed(expected: boolean): void {
    void expected;
    this.#held = [];
    this.#talk.drop();
  }
}

function never(): never {
  throw new Error('nothing is held');
}
