import type { Letter } from '../runtime/letter.ts';
import { lastGeneration } from '../../src/broker/queue/last-generation.ts';
import type { QueueQuestion } from '../../src/broker/queue/queue-question.ts';
import type { QueueSender } from './queue-sender.ts';
import type { Requests } from './requests.ts';

/** What these did is gone with the incarnation that did it. */
const UNDONE: ReadonlySet<QueueQuestion['type']> = new Set(['consume', 'cancel', 'get']);

/**
 * Whether an answer comes from an incarnation that has crashed since, while the next one runs already. The next one is asked
 * again where the answer is worth nothing any more: here, or when its start is heard of, never both. Consumers subscribe again then
 * anyway; and a basic.get is asked again then because the old one may have kept it to answer later: asked here as well, it would get
 * two messages.
 */
export function isOvertaken(letter: Letter, requests: Requests, slots: Int32Array, queues: QueueSender): boolean {
  const asked = requests.find(letter.a);
  if (asked === undefined || letter.b === 0) return false;
  const { queue, question } = asked;
  const generation = lastGeneration(slots, queue);
  if (letter.b === generation) return false;
  if (question.type === 'resubscribe') {
    requests.takeQuestion(letter.a);
    return true;
  }
  if (!UNDONE.has(question.type)) return false;
  // Of a queue that is deleted no start is heard of.
  if (question.type !== 'get' || generation === 0) queues.post(queue, question, letter.a);
  return true;
}
