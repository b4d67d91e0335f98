/** Hashes of texts to 32 bits that are the same on every thread and in every process. Nobody is kept from making collisions. */

/** A hash of the text; another `basis` gives another one, independent of the first. */
export function hashOfText(text: string, basis: number): number {
  // FNV-1a over UTF-16 units; its upper bits mix badly for short texts, which scatter mends.
  let hash = 0x811c9dc5 ^ basis;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return scatter(hash);
}

/** Spreads an int32 over 0 to 2^32 - 1, one to one (the finalizer of MurmurHash3). */
export function scatter(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
