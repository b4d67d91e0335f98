/** Answers of queues whose asker is gone: what they bring along goes back. */
import { ConnectionLetter } from '../../actors/messages/connection-messages.ts';
import type { Letter } from '../../actors/runtime/letter.ts';
import { releaseRecalled } from '../amqp/channel/replay.ts';
import type { MessageMemory } from '../amqp/stored-message.ts';
import type { QueueAnswer } from '../broker/queue/queue-question.ts';

export function releaseUnheard(letter: Letter, memory: Pick<MessageMemory, 'release'>): void {
  if (letter.type !== ConnectionLetter.answer) return;
  const answer = letter.body as QueueAnswer;
  if (answer.type === 'recalled') releaseRecalled(memory, answer);
}
