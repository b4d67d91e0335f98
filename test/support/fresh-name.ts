import { randomUUID } from 'node:crypto';

const RUN = randomUUID().slice(0, 8);
let count = 0;

/** A name no other test uses, on this run or another: tests share one broker. */
export function freshName(word: string): string {
  count += 1;
  return `conformance.${word}.${RUN}.${count}`;
}
