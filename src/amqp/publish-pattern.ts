/**
 * What a publisher writes is mostly what it wrote before, but for the body: then a comparison of words finds where everything is, and that all
 * but the body has been looked at already.
 *
 * ```
 *   method frame | header frame: 7, class, weight, 0 | body size | flags, properties, 0xCE | 03 ch ch | size | body, 0xCE
 *   `---------------- front ----------------------'              `--------- back -----------------'
 * ```
 */
import { FRAME_OVERHEAD_SIZE } from './bounds.ts';
import { FRAME_END, FRAME_HEADER_SIZE } from './frame.ts';
import type { PublishScan } from './publish-scanner.ts';
import { WIRE_FORM_BODY_MAX } from './stored-message.ts';

/** Bytes of all but the body at most: names and properties may be longer, but are then no small part of the work. */
const PATTERN_MAX = 512;
/** Of the header frame's payload: class, weight and the upper half of the body size. */
const BEFORE_SIZE = 8;
/** Of the body frame: type and channel. */
const BODY_TYPE_SIZE = 3;
const SIZE_BYTES = 4;

export class PublishPattern {
  readonly #view = new DataView(new ArrayBuffer(PATTERN_MAX));
  /** 0: nothing is remembered. */
  #frontSize = 0;
  #backSize = 0;
  /** From the beginning to the content header's frame. */
  #headerFrame = 0;

  /** Remembers the publish at `start`, which `scan` describes. */
  remember(start: number, scan: PublishScan): void {
    const { view } = scan;
    const header = scan.headerFrame - start;
    const frontSize = header + FRAME_HEADER_SIZE + BEFORE_SIZE;
    const backSize = scan.headerSize - BEFORE_SIZE - SIZE_BYTES + 1 + BODY_TYPE_SIZE;
    const size = frontSize + SIZE_BYTES + backSize;
    this.#frontSize = 0;
    if (scan.bodySize === 0 || size > PATTERN_MAX) return;
    for (let byte = 0; byte < size; byte += 4) this.#view.setInt32(byte, view.getInt32(start + byte));
    this.#frontSize = frontSize;
    this.#backSize = backSize;
    this.#headerFrame = header;
  }

  /** Whether the publish remembered stands at `start` again, whole, with whatever body. Then `scan`, which described it, describes this one. */
  repeats(start: number, end: number, frameMax: number, scan: PublishScan): boolean {
    const { view } = scan;
    const frontSize = this.#frontSize;
    if (frontSize === 0) return false;
    const size = start + frontSize;
    const back = size + SIZE_BYTES;
    const bodyFrameSize = back + this.#backSize;
    const body = bodyFrameSize + SIZE_BYTES;
    if (body > end || !this.#isAt(view, start, 0, frontSize)) return false;
    if (!this.#isAt(view, back, frontSize + SIZE_BYTES, this.#backSize)) return false;
    const bodySize = view.getUint32(size);
    const last = body + bodySize;
    if (bodySize !== view.getUint32(bodyFrameSize) || last >= end || view.getUint8(last) !== FRAME_END) return false;
    if (bodySize === 0 || bodySize > WIRE_FORM_BODY_MAX || bodySize + FRAME_OVERHEAD_SIZE > frameMax) return false;
    scan.keyStart += start + this.#headerFrame - scan.headerFrame;
    scan.headerFrame = start + this.#headerFrame;
    scan.bodySize = bodySize;
    scan.end = last + 1;
    return true;
  }

  /** Compares `size` bytes, 4 at least, with those at `from`. */
  #isAt(view: DataView, at: number, from: number, size: number): boolean {
    const pattern = this.#view;
    const last = size - 4;
    for (let byte = 0; byte < last; byte += 4) if (view.getInt32(at + byte, true) !== pattern.getInt32(from + byte, true)) return false;
    return view.getInt32(at + last, true) === pattern.getInt32(from + last, true);
  }
}
