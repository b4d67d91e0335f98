/**
 * Names of connections, unique in a node: the thread in the upper bits, so that whoever knows the name knows where to
 * send. Queues have negative actor ids, the actors of the node small ones.
 *
 * ```
 *  30      24 23                    0
 * | thread   | serial, from 16 up    |
 * ```
 */
const SERIAL_SHIFT = 24;
const SERIAL_MASK = 2 ** SERIAL_SHIFT - 1;
const FIRST_SERIAL = 16;

/** After so many a thread begins anew. */
const SERIALS = SERIAL_MASK - FIRST_SERIAL;

export function connectionId(thread: number, serial: number): number {
  return (thread << SERIAL_SHIFT) | (FIRST_SERIAL + (serial % SERIALS));
}

/** Whether a connection was named before its thread came to `serial`: of names further apart than half of all of them nothing is known. */
export function isNamedBefore(id: number, serial: number): boolean {
  const behind = (SERIALS + (serial % SERIALS) - ((id & SERIAL_MASK) - FIRST_SERIAL)) % SERIALS;
  return behind > 0 && behind <= SERIALS / 2;
}

export function threadOfConnection(id: number): number {
  return id >> SERIAL_SHIFT;
}

/** Whether a number that somebody else wrote can be the name of a connection: not that of another actor of some thread. */
export function isConnectionId(id: number): boolean {
  return id > SERIAL_MASK && id <= 0x7fff_ffff && (id & SERIAL_MASK) >= FIRST_SERIAL;
}
