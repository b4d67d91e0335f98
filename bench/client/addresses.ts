/** Which of several addresses a connection takes. */
export type Allocation = 'random' | 'round-robin';

/** `index`: of the connection. Throws a RangeError without an address. */
export function addressOf(urls: readonly string[], index: number, allocation: Allocation = 'round-robin'): string {
  const chosen = urls[allocation === 'random' ? Math.floor(Math.random() * urls.length) : index % urls.length];
  if (chosen === undefined) throw new RangeError('no address to choose from');
  return chosen;
}
