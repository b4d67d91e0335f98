/** Asked once, answered twice: a crash lay between. What the second answer brought goes back. */
import type { Letter } from '../runtime/letter.ts';
import type { QueueLinks } from '../../src/amqp/channel/queue-link.ts';
import { releaseRecalled } from '../../src/amqp/channel/replay.ts';
import type { MessageMemory } from '../../src/amqp/stored-message.ts';
import { Settle } from '../../src/broker/queue/queue-machine.ts';
import type { QueueAnswer } from '../../src/broker/queue/queue-question.ts';

export function giveBackAnswer(letter: Letter, links: QueueLinks, memory: MessageMemory): void {
  const answer = letter.body as QueueAnswer;
  if (answer.type === 'recalled') return releaseRecalled(memory, answer);
  if (answer.type !== 'got') return;
  const link = links.find(-letter.sender.id);
  if (link?.generation === letter.b) links.settle(link, answer.position, Settle.surplus);
}
