import type { Letter } from '../runtime/letter.ts';
import { GENERATION, QUEUE_ID, SLOT_WORDS } from '../../src/broker/queue/ledger-layout.ts';
import type { QueueQuestion } from '../../src/broker/queue/queue-question.ts';
import type { QueueRecord } from '../../src/broker/topology/topology-records.ts';
import type { QueueSender } from './queue-sender.ts';
import type { Requests } from './requests.ts';

/** What these did is gone with the incarnation that did it. */
const ASKED_AGAIN: ReadonlySet<QueueQuestion['type']> = new Set(['consume', 'cancel', 'get']);

/**
 * Whether an answer comes from an incarnation that has crashed since, while the next one runs already. The next one is asked
 * again where the answer is worth nothing any more. What the old one was told of consumers that subscribe again is told to
 * the next one anyway, when its start is heard of.
 */
export function isOvertaken(letter: Letter, requests: Requests, slots: Int32Array, queues: QueueSender): boolean {
  const asked = requests.find(letter.a);
  if (asked === undefined || letter.b === 0 || letter.b === generationOf(asked.queue, slots)) return false;
  const { queue, question } = asked;
  if (question.type === 'resubscribe') {
    requests.takeQuestion(letter.a);
    return true;
  }
  if (!ASKED_AGAIN.has(question.type)) return false;
  queues.post(queue, question, letter.a);
  return true;
}

/** The incarnation of a queue that runs, or ran last. */
function generationOf(queue: QueueRecord, slots: Int32Array): number {
  const slot = queue.slot * SLOT_WORDS;
  return slots[slot + QUEUE_ID] === queue.id ? slots[slot + GENERATION]! : 0;
}
