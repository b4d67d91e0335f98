/**
 * Letters to the keeper on the main thread (prefix 0x06), who hears from the scheduler threads what their supervisors must know.
 *
 * ```
 * listening  a: port                       the sender's thread accepts connections
 * failed     body: why                     it cannot
 * fenced     a: the lost thread            every actor of the sender's thread has heard of the loss
 * stopped                                  the sender's thread has closed every connection
 * log        a: level (0 info, 1 warn, 2 error), body: { fields, text }
 * described  a: request, body: what was asked
 * ```
 * 0x605 was `memory`, which the janitor has now.
 */
export const KeeperLetter = {
  listening: 0x601,
  failed: 0x602,
  fenced: 0x603,
  stopped: 0x604,
  log: 0x606,
  described: 0x607,
} as const;

export const KEEPER_ID = 3;
export const KEEPER_THREAD = 0;
