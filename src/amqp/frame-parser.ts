/**
 * Frames out of chunks, wherever the chunks are cut. Whole frames are handed on as offsets into the chunk; of a body frame
 * its bytes are, as they come, because a body may be larger than anything that should be kept. What is left of a chunk
 * (the beginning of a frame, or of a small message) is for the caller to keep and to put in front of the next one.
 *
 * No byte makes it throw: a wrong one ends in `error`, and then the parser takes nothing more.
 */
import { ReplyCode } from '../broker/refusal.ts';
import { type AmqpError, amqpError } from './amqp-error.ts';
import { FRAME_OVERHEAD_SIZE, FRAME_SIZE_TOLERANCE } from './bounds.ts';
import { NO_CHUNK, viewOf } from './chunk-view.ts';
import { FRAME_END, FRAME_HEADER_SIZE, FrameType } from './frame.ts';
import { PublishPattern } from './publish-pattern.ts';
import { PublishScan, Scan, scanPublish } from './publish-scanner.ts';

export interface FrameSink {
  /** A whole small message. The scan is reused: read it now. */
  publish(buffer: Buffer, scan: PublishScan): void;
  /** The payload of a method frame. */
  method(channel: number, buffer: Buffer, start: number, end: number): void;
  /** The payload of a content header frame. */
  header(channel: number, buffer: Buffer, start: number, end: number): void;
  /** A body frame of `size` payload bytes begins. */
  bodyFrame(channel: number, size: number): void;
  /** The next of those bytes. */
  body(channel: number, buffer: Buffer, start: number, end: number): void;
  heartbeat(channel: number): void;
  error(error: AmqpError): void;
}

const BASIC_PUBLISH = (60 << 16) | 40;

export class FrameParser {
  /** Set it from inside a call of the sink: the parser returns before the next frame. */
  stopped = false;
  /** Bytes of a frame at most, with its overhead. */
  frameMax: number;
  /** May `publish` be called? Only where a channel is open and nothing is half done; else frames come one by one. */
  publishFast = false;
  readonly #sink: FrameSink;
  readonly #scan = new PublishScan();
  readonly #pattern = new PublishPattern();
  /** Payload bytes of the current body frame that have not come. */
  #bodyLeft = 0;
  #bodyChannel = 0;
  /** The end octet of a body frame is due. */
  #bodyEndDue = false;
  #failed = false;

  constructor(sink: FrameSink, frameMax: number) {
    this.#sink = sink;
    this.frameMax = frameMax;
  }

  /** Takes what it can of `buffer` from `start` to `end`. Answers where the rest begins. */
  parse(buffer: Buffer, start: number, end: number): number {
    this.#scan.view = viewOf(buffer);
    const rest = this.#parse(buffer, start, end);
    // A connection that is idle keeps no chunk.
    this.#scan.view = NO_CHUNK;
    return rest;
  }

  #parse(buffer: Buffer, start: number, end: number): number {
    let at = start;
    const scan = this.#scan;
    while (at < end && !this.stopped && !this.#failed) {
      if (this.#bodyLeft > 0 || this.#bodyEndDue) {
        at = this.#parseBody(buffer, at, end);
        continue;
      }
      if (this.#pattern.repeats(at, end, this.frameMax, scan)) {
        scan.repeated = true;
        at = scan.end;
        this.#sink.publish(buffer, scan);
        continue;
      }
      if (end - at < FRAME_HEADER_SIZE) return at;
      const type = buffer[at]!;
      const channel = (buffer[at + 1]! << 8) | buffer[at + 2]!;
      const size = scan.view.getUint32(at + 3);
      if (size + FRAME_OVERHEAD_SIZE > this.frameMax + FRAME_SIZE_TOLERANCE) {
        this.#fail(`type ${type}, frame too large: ${size + FRAME_OVERHEAD_SIZE} > ${this.frameMax}`);
        return at;
      }
      const payload = at + FRAME_HEADER_SIZE;
      if (type === FrameType.body) {
        this.#sink.bodyFrame(channel, size);
        this.#bodyChannel = channel;
        this.#bodyLeft = size;
        this.#bodyEndDue = true;
        at = payload;
        continue;
      }
      const payloadEnd = payload + size;
      if (type !== FrameType.method && type !== FrameType.header && type !== FrameType.heartbeat) {
        this.#fail(`unknown frame type ${type}`);
        return at;
      }
      if (payloadEnd >= end) return at;
      if (
        type === FrameType.method &&
        this.publishFast &&
        size > 7 &&
        scan.view.getInt32(payload) === BASIC_PUBLISH
      ) {
        const found = scanPublish(buffer, at, end, size, this.frameMax, scan);
        if (found === Scan.complete) {
          this.#pattern.remember(at, scan);
          scan.repeated = false;
          // Read before the call: the sink may set `stopped`, and the scan may be reused.
          at = scan.end;
          this.#sink.publish(buffer, scan);
          continue;
        }
        if (found === Scan.partial) return at;
      }
      if (buffer[payloadEnd] !== FRAME_END) {
        this.#fail(`bad end of frame: ${buffer[payloadEnd]} instead of ${FRAME_END}`);
        return at;
      }
      at = payloadEnd + 1;
      if (type === FrameType.method) this.#sink.method(channel, buffer, payload, payloadEnd);
      else if (type === FrameType.header) this.#sink.header(channel, buffer, payload, payloadEnd);
      else this.#sink.heartbeat(channel);
    }
    return at;
  }

  #parseBody(buffer: Buffer, at: number, end: number): number {
    if (this.#bodyLeft > 0) {
      const taken = Math.min(this.#bodyLeft, end - at);
      this.#bodyLeft -= taken;
      this.#sink.body(this.#bodyChannel, buffer, at, at + taken);
      return at + taken;
    }
    this.#bodyEndDue = false;
    if (buffer[at] !== FRAME_END) {
      this.#fail(`bad end of frame: ${buffer[at]} instead of ${FRAME_END}`);
      return at;
    }
    return at + 1;
  }

  #fail(explanation: string): void {
    this.#failed = true;
    this.#sink.error(amqpError(ReplyCode.frameError, explanation));
  }
}
