/**
 * Letters to a connection actor (prefix 0x03).
 *
 * ```
 * deliver    from a queue. a: its generation, b: queue id
 *            words, 4 a delivery: | consumer key | address | position | again |
 *            again: 0 the first delivery; 1 a redelivery; 1 + n a redelivery whose consumer is told that the message came back n times
 *            The leases stay with the queue: it keeps each message until the delivery is settled.
 * confirmed  from a queue. words, 4 a run: | channel | first sequence | count | 1 refused |
 * answer     from a queue. a: request, b: generation, body: QueueAnswer
 * cancelled  from a queue that is deleted. a: queue id, words: keys of consumers. Answer: `released`, when everything
 *            delivered before has been written or dropped.
 * outcome    from the topology. a: request, body: ChangeOutcome
 * reply      a direct reply, with one lease. a: consumer key, b: address; c: the token's secret
 * probe      a: request, b: consumer key, c: secret. Answer: `probed`.
 * probed     a: request, b: 1 alive
 * alarm      from the janitor. body: the reasons, none when all is well
 * close      from the listener: the node stops. body: why
 * queuesBack from the replica: the queues of a lost thread run again. a: the thread
 * ```
 */
import type { Batches, WordBatch } from '../../src/amqp/channel/queue-link.ts';

export const ConnectionLetter = {
  deliver: 0x301,
  confirmed: 0x302,
  answer: 0x303,
  cancelled: 0x304,
  outcome: 0x305,
  reply: 0x306,
  probe: 0x307,
  probed: 0x308,
  alarm: 0x309,
  close: 0x30a,
  queuesBack: 0x30b,
} as const;

export const DELIVERY_WORDS = 4;
export const CONFIRM_WORDS = 4;

/** Adds an answer to the words of a `confirmed`: runs of sequence numbers of one channel are one entry. */
export function addConfirm(batch: WordBatch, batches: Batches, channel: number, sequence: number, refused: boolean): void {
  const last = batch.count - CONFIRM_WORDS;
  const held = batch.ints;
  const flag = refused ? 1 : 0;
  if (
    last >= 0 &&
    held![last] === channel &&
    held![last + 3] === flag &&
    ((held![last + 1]! + held![last + 2]!) | 0) === sequence
  ) {
    held![last + 2]!++;
    return;
  }
  const ints = batch.room(CONFIRM_WORDS, batches);
  ints[batch.count] = channel;
  ints[batch.count + 1] = sequence;
  ints[batch.count + 2] = 1;
  ints[batch.count + 3] = flag;
  batch.count += CONFIRM_WORDS;
}
