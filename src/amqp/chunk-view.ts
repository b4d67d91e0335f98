/** Chunks as words. All connections of a thread read into the same buffer, so that the view made last is nearly always the one that is wanted. */
export const NO_CHUNK = new DataView<ArrayBufferLike>(new ArrayBuffer(0));

let chunk: Buffer | undefined;
let view = NO_CHUNK;

export function viewOf(buffer: Buffer): DataView {
  if (buffer !== chunk) {
    chunk = buffer;
    view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  }
  return view;
}
