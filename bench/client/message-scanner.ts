/**
 * Reads whole frames, one after the other, and counts a message when all of it has come: what basic.get brings, and messages that
 * carry their time of sending in a header, because their bodies are somebody's files. It takes its time; a `FrameScanner` does not.
 */
import { TIMESTAMP_BYTES, type Scanner, type ScannerOwner } from './frame-scanner.ts';
import { FRAME_HEADER_BYTES, FRAME_OVERHEAD_BYTES, FrameType, MethodId } from './wire.ts';

/** The header with the time of sending: a double, ns on the clock that all sides share. */
export const STAMP_HEADER = 'timestamp';
/** As it stands in a table: length and name, and the type `d`. Eight bytes follow. */
export const STAMP_FIELD = Buffer.concat([Buffer.from([STAMP_HEADER.length]), Buffer.from(`${STAMP_HEADER}d`)]);

/** Where a message carries its time of sending: in the first eight bytes of its body, or in a header. */
export type StampPlace = 'body' | 'header';

type Coming = { tag: number; leftBytes: number; sentNs: number | undefined; isFresh: boolean };

export class MessageScanner implements Scanner {
  deliveries = 0;
  readonly #owner: ScannerOwner;
  readonly #place: StampPlace;
  /** Hears of each message when it is whole. */
  readonly #arrived: ((channel: number) => void) | undefined;
  readonly #lastTags: number[] = [];
  /** By channel, from the method to the last body frame. */
  readonly #coming: (Coming | undefined)[] = [];
  /** The beginning of a frame whose end has not come. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(owner: ScannerOwner, place: StampPlace, arrived?: (channel: number) => void) {
    this.#owner = owner;
    this.#place = place;
    this.#arrived = arrived;
  }

  lastTagOf(channel: number): number {
    return this.#lastTags[channel] ?? 0;
  }

  push(chunk: Buffer, end: number): void {
    const bytes = Buffer.concat([this.#rest, chunk.subarray(0, end)]);
    let pos = 0;
    while (bytes.length - pos >= FRAME_HEADER_BYTES) {
      const next = pos + FRAME_OVERHEAD_BYTES + bytes.readUInt32BE(pos + 3);
      if (next > bytes.length) break;
      this.#frame(bytes[pos] as number, bytes.readUInt16BE(pos + 1), bytes.subarray(pos + FRAME_HEADER_BYTES, next - 1));
      pos = next;
    }
    this.#rest = bytes.subarray(pos);
  }

  #frame(type: number, channel: number, payload: Buffer): void {
    if (type === FrameType.method) this.#method(channel, payload);
    else if (type === FrameType.header) this.#header(channel, payload);
    else if (type === FrameType.body) this.#body(channel, payload);
    else if (type !== FrameType.heartbeat) throw new Error(`a frame of type ${type}: the stream is out of step`);
  }

  #method(channel: number, payload: Buffer): void {
    const id = payload.readUInt32BE(0);
    // basic.deliver: consumer-tag, delivery-tag, ...; basic.get-ok: delivery-tag, ...
    const tagAt = id === MethodId.basicDeliver ? 4 + 1 + (payload[4] as number) : id === MethodId.basicGetOk ? 4 : undefined;
    if (tagAt === undefined) this.#owner.method(channel, id, payload.subarray(4));
    else this.#coming[channel] = { tag: Number(payload.readBigUInt64BE(tagAt)), leftBytes: 0, sentNs: undefined, isFresh: true };
  }

  #header(channel: number, payload: Buffer): void {
    const coming = this.#coming[channel];
    // The content of basic.return.
    if (coming === undefined) return;
    coming.leftBytes = Number(payload.readBigUInt64BE(4));
    const fieldAt = this.#place === 'header' ? payload.indexOf(STAMP_FIELD) : -1;
    const stampAt = fieldAt + STAMP_FIELD.length;
    if (fieldAt >= 0 && stampAt + TIMESTAMP_BYTES <= payload.length) coming.sentNs = payload.readDoubleBE(stampAt);
    if (coming.leftBytes === 0) this.#finish(channel, coming);
  }

  #body(channel: number, payload: Buffer): void {
    const coming = this.#coming[channel];
    if (coming === undefined) return;
    if (coming.isFresh && this.#place === 'body' && payload.length >= TIMESTAMP_BYTES) coming.sentNs = payload.readDoubleBE(0);
    coming.isFresh = false;
    coming.leftBytes -= payload.length;
    if (coming.leftBytes <= 0) this.#finish(channel, coming);
  }

  #finish(channel: number, { tag, sentNs }: Coming): void {
    this.#coming[channel] = undefined;
    this.#lastTags[channel] = tag;
    this.deliveries += 1;
    if (sentNs !== undefined) this.#owner.sentAt?.(sentNs);
    this.#arrived?.(channel);
  }
}
