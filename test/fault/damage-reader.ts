/**
 * A process that starts a node on one damaged data directory after the other, reads all that it serves, writes on, deletes what is
 * down, and stops it. When the process dies or hangs, that is the finding.
 */
import { type FaultNode, startFaultNode } from '../support/fault-node.ts';
import { RawClient } from '../support/raw-client.ts';
import type { RawChannel } from '../support/raw-channel.ts';
import { type QueueContents, isWhole } from './damage-world.ts';

/** `root`: the sources to run; left out: this project's. */
export type DamageOrder = { readonly dataDir: string; readonly expected: QueueContents; readonly root?: string };

/**
 * `refused`: the node did not start and said why; `crashed`: it named the queues that are down, and the others were whole; `correct`:
 * everything was there; `wrong`: something else was handed out, or is missing, and nobody said so.
 */
export type DamageAnswer = { readonly outcome: 'refused' | 'crashed' | 'correct' | 'wrong'; readonly text: string };

/** Lines about one queue that an operator should not have to read again and again. */
const LINES_OF_QUEUE_MAX = 2;
const NEW_BODY = 'after the damage';

/** A queue that is down answers with a close of the channel. */
const DOWN = 'down';

/** Everything that the queue hands out; with `DOWN` at its end when it does not answer any more. */
async function drain(channel: RawChannel, queue: string): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    channel.send('basic.get', { queue, noAck: true });
    const incoming = await channel.inbox.take(`a message of ${queue}`);
    if (incoming.name === 'basic.get-empty') return bodies;
    if (incoming.name === 'channel.close') {
      if (!incoming.arguments.includes(`queue '${queue}' in vhost '/' has crashed`)) throw new Error(`${queue}: ${incoming.arguments.toString('latin1')}`);
      channel.send('channel.close-ok');
      return [...bodies, DOWN];
    }
    if (incoming.name !== 'basic.get-ok') throw new Error(`${incoming.name} came from ${queue}`);
    bodies.push((incoming.body ?? Buffer.alloc(0)).toString());
  }
}

class Examination {
  readonly #fault: FaultNode;
  readonly #client: RawClient;
  readonly #expected: QueueContents;
  readonly wrong: string[] = [];
  readonly down: string[] = [];
  #channels = 0;

  constructor(fault: FaultNode, client: RawClient, expected: QueueContents) {
    this.#fault = fault;
    this.#client = client;
    this.#expected = expected;
  }

  async run(): Promise<void> {
    for (const [queue, expected] of Object.entries(this.#expected)) await this.#examine(queue, expected);
    const tree = JSON.stringify(await this.#fault.node.liveTree());
    for (const queue of this.down) await this.#remove(queue, tree);
    for (const queue of Object.keys(this.#expected)) await this.#write(queue);
  }

  async #examine(queue: string, expected: readonly string[]): Promise<void> {
    const bodies = await drain(await this.#open(), queue);
    const isDown = bodies.at(-1) === DOWN;
    if (isDown) bodies.pop();
    for (const [at, body] of bodies.entries()) {
      if (body === expected[at]) continue;
      return void this.wrong.push(`message ${at} of ${queue} is ${isWhole(body) ? 'another one' : 'false'}: ${body.slice(0, 60)}`);
    }
    if (isDown) this.down.push(queue);
    else if (bodies.length !== expected.length) this.wrong.push(`${queue} has ${bodies.length} of ${expected.length} messages`);
  }

  /** Visible in the tree, named in the log, and to be deleted and made anew. */
  async #remove(queue: string, tree: string): Promise<void> {
    const told = this.#fault.surprises.filter((line) => line.includes(`"queue":"${queue}"`) && line.includes('"vhost":"/"') && line.includes('damaged'));
    if (told.length === 0 || told.length > LINES_OF_QUEUE_MAX) this.wrong.push(`${told.length} lines tell of ${queue}`);
    if (!new RegExp(`"state":"crashed"[^{}]*"name":"${queue}"`).test(tree)) this.wrong.push(`${queue} is not marked in the tree`);
    const channel = await this.#open();
    await channel.call('queue.delete', { queue });
    await channel.call('queue.declare', { queue, durable: true });
  }

  async #write(queue: string): Promise<void> {
    const channel = await this.#open();
    await channel.call('confirm.select');
    channel.publish({ routingKey: queue }, NEW_BODY, { deliveryMode: 2 });
    await channel.expect('basic.ack');
    const bodies = await drain(channel, queue);
    if (bodies.join() !== NEW_BODY) this.wrong.push(`${queue} hands out '${bodies.join().slice(0, 60)}' after it was used anew`);
  }

  #open(): Promise<RawChannel> {
    return this.#client.openChannel(++this.#channels);
  }
}

async function answer({ dataDir, expected, root }: DamageOrder): Promise<DamageAnswer> {
  let fault: FaultNode;
  try {
    fault = await (root === undefined ? startFaultNode({ dataDir }) : startFaultNode({ dataDir }, root));
  } catch (error) {
    const text = error instanceof Error ? error.message : '';
    return text.length > 20 ? { outcome: 'refused', text } : { outcome: 'wrong', text: `refused without a word: ${text}` };
  }
  try {
    const client = await RawClient.connect(fault.broker);
    const examination = new Examination(fault, client, expected);
    await examination.run();
    await client.close();
    if (examination.wrong.length > 0) return { outcome: 'wrong', text: [...examination.wrong, ...fault.surprises].join('; ') };
    return examination.down.length > 0 ? { outcome: 'crashed', text: examination.down.join() } : { outcome: 'correct', text: fault.surprises.join() };
  } catch (error) {
    return { outcome: 'wrong', text: `${String(error)}; ${fault.surprises.join()}` };
  } finally {
    await fault.close();
  }
}

process.on('message', (order: DamageOrder) => {
  void answer(order).then((given) => process.send?.(given));
});
