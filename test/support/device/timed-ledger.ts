/**
 * When each message was sent, confirmed and acknowledged, by the clock that also stamps the log of the device: what a node must
 * still have after the power was lost at one moment.
 *
 * ```
 * body   | queue (4) | sequence (4) | CRC-32 of the rest and of both (4) | fill |
 * ```
 */
import { crc32 } from 'node:zlib';

const HEAD_SIZE = 12;

/** `Infinity` where it never happened; bigint compares with it. */
type Moment = bigint | number;
export type TimedMessage = { readonly queue: number; readonly sequence: number; readonly sentNs: bigint; confirmedNs: Moment; acknowledgedNs: Moment };

export function nowNs(): bigint {
  return process.hrtime.bigint();
}

export class TimedLedger {
  /** By queue, in order of sending. */
  readonly #sent = new Map<number, TimedMessage[]>();
  readonly #declaredNs = new Map<number, bigint>();

  /** The broker has said that the queue exists. */
  declared(queue: number): void {
    this.#declaredNs.set(queue, nowNs());
    this.#sent.set(queue, []);
  }

  /** The body of the next message to a queue; it counts as sent now. */
  send(queue: number, sizeBytes: number): { readonly body: Buffer; readonly message: TimedMessage } {
    const sent = this.#sent.get(queue)!;
    const message = { queue, sequence: sent.length + 1, sentNs: nowNs(), confirmedNs: Infinity, acknowledgedNs: Infinity };
    sent.push(message);
    const body = Buffer.alloc(Math.max(sizeBytes, HEAD_SIZE), message.sequence);
    body.writeUInt32BE(queue, 0);
    body.writeUInt32BE(message.sequence, 4);
    body.writeUInt32BE(checksum(body), 8);
    return { body, message };
  }

  /** The message that was sent with this body; undefined when none was, or the bytes are others. */
  messageOf(body: Buffer): TimedMessage | undefined {
    if (body.length < HEAD_SIZE || checksum(body) !== body.readUInt32BE(8)) return undefined;
    return this.#sent.get(body.readUInt32BE(0))?.[body.readUInt32BE(4) - 1];
  }

  get messages(): TimedMessage[] {
    return [...this.#sent.values()].flat();
  }

  /** Of messages that were confirmed before `momentNs`, how many nobody had acknowledged. */
  required(momentNs: Moment): number {
    return this.messages.filter((message) => isRequired(message, momentNs)).length;
  }

  /**
   * What is wrong with what a queue held after a loss of power at `momentNs`, in words. `bodies` undefined: the queue is not
   * there. A message that was not confirmed, or was acknowledged, may be there; it need not.
   */
  faultsOf(queue: number, bodies: readonly Buffer[] | undefined, momentNs: Moment): string[] {
    if (bodies === undefined) return (this.#declaredNs.get(queue) ?? Infinity) < momentNs ? [`queue ${queue} is lost`] : [];
    const found = bodies.map((body) => this.messageOf(body));
    const sequences = found.map((message) => message?.sequence ?? 0);
    const there = new Set(sequences);
    const lost = this.#sent.get(queue)!.filter((message) => isRequired(message, momentNs) && !there.has(message.sequence));
    const unexpected = found.filter((message) => message === undefined || message.queue !== queue || message.sentNs >= momentNs);
    const disordered = sequences.filter((sequence, index) => index > 0 && sequence <= sequences[index - 1]!);
    return [
      ...(lost.length > 0 ? [`queue ${queue}: ${lost.length} lost (${lost[0]!.sequence} to ${lost.at(-1)!.sequence})`] : []),
      ...(unexpected.length > 0 ? [`queue ${queue}: ${unexpected.length} that were never sent`] : []),
      ...(disordered.length > 0 ? [`queue ${queue}: ${disordered.length} out of order or twice`] : []),
    ];
  }
}

function isRequired(message: TimedMessage, momentNs: Moment): boolean {
  return message.confirmedNs < momentNs && message.acknowledgedNs >= momentNs;
}

function checksum(body: Buffer): number {
  return crc32(body.subarray(HEAD_SIZE), crc32(body.subarray(0, 8)));
}
