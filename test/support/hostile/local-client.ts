import { decodeFields } from '../raw-bytes.ts';
import { METHODS, methodName } from '../raw-methods.ts';
import type { MethodFields, MethodName } from '../raw-methods.ts';
import { type Closed, Answers } from './answers.ts';
import type { LocalNode } from './local-node.ts';
import type { LocalTransport } from './local-transport.ts';
import { handshake, method } from './recorded-sessions.ts';

/** A client of a LocalNode: sends frames, lets the node settle, and looks at what came. Everything happens at once. */
export class LocalClient {
  readonly transport: LocalTransport;
  readonly #node: LocalNode;
  #seen = 0;

  constructor(node: LocalNode) {
    this.#node = node;
    this.transport = node.connect();
  }

  /** An open connection with channel 1 open. */
  static open(node: LocalNode, channelMax = 2047, frameMax = 131_072): LocalClient {
    const client = new LocalClient(node);
    client.send(...handshake(channelMax, frameMax), method(1, 'channel.open'));
    const { names } = client.answers();
    if (!names.includes('channel.open-ok')) throw new Error(`no channel was opened: ${names.join(' ')}`);
    return client;
  }

  /** Sends frames in one chunk and lets the node answer. */
  send(...frames: readonly Buffer[]): void {
    this.transport.send(Buffer.concat(frames));
    this.#node.settle();
  }

  /** What came since the last look. */
  answers(): Answers {
    return new Answers(this.#takeBytes());
  }

  /** Names of the methods that came since the last look. */
  names(): readonly string[] {
    return this.answers().names;
  }

  /** Sends frames and answers the close that they lead to. */
  refused(...frames: readonly Buffer[]): Closed | undefined {
    this.answers();
    this.send(...frames);
    return this.answers().closes[0];
  }

  /** Sends a method and answers the fields of what comes first. */
  call<M extends MethodName, A extends MethodName>(channel: number, name: M, fields: Partial<MethodFields<M>>, answer: A): MethodFields<A> {
    this.answers();
    this.send(method(channel, name, fields));
    const bytes = this.#takeBytes();
    const came = methodName(bytes.readUInt16BE(7), bytes.readUInt16BE(9));
    if (came !== answer) throw new Error(`${came} came instead of ${answer}`);
    return decodeFields(METHODS[answer][2], bytes.subarray(11, 7 + bytes.readUInt32BE(3))) as MethodFields<A>;
  }

  leave(): void {
    this.transport.leave('ended');
    this.#node.settle();
  }

  #takeBytes(): Buffer {
    const { received } = this.transport;
    const bytes = Buffer.concat(received.slice(this.#seen));
    this.#seen = received.length;
    return bytes;
  }
}
