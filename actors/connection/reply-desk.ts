/**
 * Direct replies: who waits for one has a name that nobody can guess, and a reply goes straight to that connection
 * (RabbitMQ guide "Direct Reply-to").
 *
 * ```
 * token   connection id . consumer key . secret, the secret 16 octets of randomness made for this connection
 * ```
 */
import { ConnectionLetter } from '../messages/connection-messages.ts';
import type { ActorContext } from '../runtime/actor.ts';
import { Letter } from '../runtime/letter.ts';
import type { ThreadNode } from '../thread/thread-node.ts';
import { isConnectionId, threadOfConnection } from './connection-id.ts';

const TOKEN = /^([0-9]{1,10})\.([0-9]{1,10})\.([A-Za-z0-9_-]{22})$/;

export class ReplyDesk {
  readonly #node: ThreadNode;
  readonly #context: ActorContext;
  #secret: Buffer | undefined = undefined;

  constructor(node: ThreadNode, context: ActorContext) {
    this.#node = node;
    this.#context = context;
  }

  token(key: number): string {
    this.#secret ??= this.#node.randomBytes(16);
    return `${this.#context.self.id}.${key}.${this.#secret.toString('base64url')}`;
  }

  /** Sends a message with one lease to whom the token names; to nobody when it names nobody. */
  send(token: string, address: number): void {
    const to = parse(token);
    if (to === undefined) return this.#node.messages.release(address);
    const letter = new Letter(ConnectionLetter.reply);
    letter.a = to.key;
    letter.b = address;
    letter.ints = to.secret;
    letter.count = to.secret.length;
    this.#context.tell({ thread: threadOfConnection(to.connection), id: to.connection, generation: 0 }, letter);
  }

  /** Asks whether somebody waits under the token; the answer is a `probed` letter. */
  probe(token: string, request: number): void {
    const to = parse(token);
    const letter = new Letter(to === undefined ? ConnectionLetter.probed : ConnectionLetter.probe);
    letter.a = request;
    if (to === undefined) return this.#context.tell(this.#context.self, letter);
    letter.b = to.key;
    letter.ints = to.secret;
    letter.count = to.secret.length;
    this.#context.tell({ thread: threadOfConnection(to.connection), id: to.connection, generation: 0 }, letter);
  }

  /** Whether a letter carries this connection's secret. */
  knows(letter: Letter): boolean {
    if (this.#secret === undefined || letter.count !== 4) return false;
    let difference = 0;
    for (let word = 0; word < 4; word++) difference |= this.#secret.readInt32LE(word * 4) ^ letter.ints[word]!;
    return difference === 0;
  }
}

function parse(token: string): { readonly connection: number; readonly key: number; readonly secret: Int32Array } | undefined {
  const parts = TOKEN.exec(token);
  if (parts === null) return undefined;
  const secret = Buffer.from(parts[3]!, 'base64url');
  const connection = Number(parts[1]);
  const key = Number(parts[2]);
  // Only a connection may be written to: the token is the client's word.
  if (!isConnectionId(connection) || key > 0x7fff_ffff) return undefined;
  return { connection, key, secret: Int32Array.from([0, 4, 8, 12], (at) => secret.readInt32LE(at)) };
}
