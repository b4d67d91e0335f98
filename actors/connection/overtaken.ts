import type { Letter } from '../runtime/letter.ts';
import { lastGeneration } from '../../src/broker/queue/last-generation.ts';
import type { QueueQuestion } from '../../src/broker/queue/queue-question.ts';
import type { QueueSender } from './queue-sender.ts';
import type { Requests } from './requests.ts';

/** What these did is gone with the incarnation that did it. */
const UNDONE: ReadonlySet<QueueQuestion['type']> = new Set(['consume', 'cancel', 'get']);

/** What an incarnation that is gone may have kept to answer later, or done and lost. Consumers are asked for again, too, before all others. */
export const KEPT_TO_ANSWER: ReadonlySet<QueueQuestion['type']> = new Set(['get', 'purge', 'cancel']);

/**
 * Whether an answer comes from an incarnation that has crashed since, while the next one runs already. Where the answer is worth nothing
 * any more the next one is asked again when its start is heard of, and not here: a basic.get that is asked twice would get two
 * messages, and where crashes come faster than answers, each question would become more and more.
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
  if (generation === 0) queues.post(queue, question, letter.a);
  return true;
}
