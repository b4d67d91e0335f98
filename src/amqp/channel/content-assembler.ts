/**
 * The slow way of a message in: method, header and body frames as they come, in any cut. Three states, and every pair that
 * does not belong together has its error (rabbit_command_assembler).
 *
 *   idle -- basic.publish --> header due -- content header --> body due -- body frames --> idle
 */
import { type Refusal, ReplyCode, refuse } from '../../broker/refusal.ts';
import { type AmqpError, amqpError, toAmqpError } from '../amqp-error.ts';
import { ANNOUNCED_BODIES_MAX, FRAME_OVERHEAD_SIZE } from '../bounds.ts';
import { contentBodySize, contentClassId, contentWeight } from '../content-header.ts';
import { methodIdOf } from '../method-codec.ts';
import { type MessageMemory, splitRecordSize } from '../stored-message.ts';
import type { AnnouncedBodies } from './announced-bodies.ts';
import type { Publisher } from './publisher.ts';

const PUBLISH = methodIdOf('basic.publish');

type State =
  | { readonly name: 'idle' }
  | { readonly name: 'header due'; readonly key: Buffer; readonly bits: number }
  | {
      readonly name: 'body due';
      readonly key: Buffer;
      readonly bits: number;
      readonly header: Buffer;
      readonly address: number;
      readonly bytes: Buffer;
      readonly size: number;
      /** Where the next byte of the body goes. */
      at: number;
      /** Bytes of the body that have not been announced by a body frame, and that have not come. */
      unannounced: number;
      left: number;
    };

const IDLE: State = { name: 'idle' };

export class ContentAssembler {
  readonly #publisher: Publisher;
  readonly #memory: MessageMemory;
  readonly #messageSizeMax: number;
  readonly #announced: AnnouncedBodies;
  #state: State = IDLE;

  constructor(publisher: Publisher, memory: MessageMemory, messageSizeMax: number, announced: AnnouncedBodies) {
    this.#publisher = publisher;
    this.#memory = memory;
    this.#messageSizeMax = messageSizeMax;
    this.#announced = announced;
  }

  get idle(): boolean {
    return this.#state.name === 'idle';
  }

  /** basic.publish: `key` is exchange and routing key as they stood on the wire. */
  method(key: Buffer, bits: number): void {
    this.#state = { name: 'header due', key, bits };
  }

  /** A content header. Answers why it is wrong. */
  header(payload: Buffer): AmqpError | undefined {
    const state = this.#state;
    if (state.name !== 'header due') return unexpected('expected method frame, got non method frame instead');
    const classId = contentClassId(payload, 0, payload.length);
    if (classId < 0) return amqpError(ReplyCode.frameError, 'content header too short');
    if (classId !== 60) {
      return unexpected(`expected content header for class 60, got one for class ${classId} instead`, true);
    }
    if (contentWeight(payload, 0) !== 0) return amqpError(ReplyCode.frameError, 'content header has a weight other than 0');
    const bodySize = contentBodySize(payload, 0);
    const refusal = this.#checkSize(bodySize);
    if (refusal !== undefined) {
      this.#state = IDLE;
      return toAmqpError(refusal, PUBLISH);
    }
    if (!this.#announced.admit(bodySize)) {
      const text = `bodies of ${this.#announced.sizeBytes + bodySize} bytes announced at once, at most ${ANNOUNCED_BODIES_MAX} may be`;
      return amqpError(ReplyCode.resourceError, text, PUBLISH);
    }
    const header = Buffer.from(payload);
    const address = this.#publisher.begin(state.key, header, bodySize);
    if (address === 0) {
      this.#announced.end(bodySize);
      return undefined;
    }
    const at = this.#memory.byteOffsetOf(address) + splitRecordSize(state.key.length, header.length, 0);
    const bytes = this.#memory.bytesOf(address);
    this.#state = { ...state, name: 'body due', header, address, bytes, size: bodySize, at, unannounced: bodySize, left: bodySize };
    if (bodySize === 0) this.#complete();
    return undefined;
  }

  #checkSize(bodySize: number): Refusal | undefined {
    if (bodySize >= 0 && bodySize <= this.#messageSizeMax) return undefined;
    const size = bodySize < 0 ? 'beyond counting' : String(bodySize);
    const text = `message size ${size} is larger than configured max size ${this.#messageSizeMax}`;
    return refuse(ReplyCode.preconditionFailed, text);
  }

  /** A body frame of `size` bytes begins. Never more than the header announced (CVE-2026-67235). */
  bodyFrame(size: number): AmqpError | undefined {
    const state = this.#state;
    if (state.name === 'header due') return unexpected('expected content header for class 60, got non content header frame instead', true);
    if (state.name === 'idle') return unexpected('expected method frame, got non method frame instead');
    if (size > state.unannounced) {
      const text = `content body of ${size} bytes, but only ${state.unannounced} are left of what the header announced`;
      return amqpError(ReplyCode.frameError, text);
    }
    state.unannounced -= size;
    return undefined;
  }

  body(buffer: Buffer, start: number, end: number): void {
    const state = this.#state;
    if (state.name !== 'body due') return;
    buffer.copy(state.bytes, state.at, start, end);
    state.at += end - start;
    state.left -= end - start;
    if (state.left === 0) this.#complete();
  }

  /** Where the next bytes of a large body could be read to, at once: up to the end of the current frame. */
  destination(size: number): Buffer | undefined {
    const state = this.#state;
    if (state.name !== 'body due' || size <= FRAME_OVERHEAD_SIZE) return undefined;
    return state.bytes.subarray(state.at, state.at + size);
  }

  #complete(): void {
    const state = this.#state;
    if (state.name !== 'body due') return;
    this.#state = IDLE;
    this.#announced.end(state.size);
    this.#publisher.complete(state.address, state.key, state.header, state.bits);
  }

  /** Gives back what was begun: the channel is closing. */
  abandon(): void {
    const state = this.#state;
    this.#state = IDLE;
    if (state.name !== 'body due') return;
    this.#announced.end(state.size);
    this.#memory.release(state.address);
  }
}

function unexpected(explanation: string, ofPublish = false): AmqpError {
  return amqpError(ReplyCode.unexpectedFrame, explanation, ofPublish ? PUBLISH : undefined);
}
