/** Words that may cost a thread its life before any change of one of them, by a plain store or an atomic one. */

/** The loss that was asked for. */
export class Loss extends Error {
  override readonly name = 'Loss';
}

let fuse = -1;
const plainOf = new WeakMap<Int32Array, Int32Array>();

/** The change after the next `changes` ones does not happen: the thread is lost. */
export function lightFuse(changes: number): void {
  fuse = changes;
}

export function quench(): void {
  fuse = -1;
}

function burn(): void {
  if (fuse < 0) return;
  if (fuse-- === 0) throw new Loss();
}

export function fused(words: Int32Array): Int32Array {
  const proxy = new Proxy(words, {
    get: (target, key) => Reflect.get(target, key, target) as unknown,
    set: (target, key, value: number) => {
      burn();
      return Reflect.set(target, key, value, target);
    },
  });
  plainOf.set(proxy, words);
  return proxy;
}

function change(words: Int32Array): Int32Array {
  burn();
  return plainOf.get(words)!;
}

/** What the allocator uses of Atomics, over fused words. */
export const fusedAtomics = {
  load: (words: Int32Array, at: number): number => Atomics.load(plainOf.get(words)!, at),
  store: (words: Int32Array, at: number, value: number): number => Atomics.store(change(words), at, value),
  add: (words: Int32Array, at: number, by: number): number => Atomics.add(change(words), at, by),
  sub: (words: Int32Array, at: number, by: number): number => Atomics.sub(change(words), at, by),
  compareExchange: (words: Int32Array, at: number, expected: number, value: number): number =>
    Atomics.compareExchange(change(words), at, expected, value),
};
