/** The history of an exchange tells what it keeps: each message with one lease more, which is the asker's. */
import type { Contents } from '../../src/broker/queue/contents.ts';
import { readQueueOptions } from '../../src/broker/queue-options.ts';
import type { QueueAnswer } from '../../src/broker/queue/queue-question.ts';
import type { QueueSetting } from './queue-setting.ts';

export function recall(contents: Contents, { record, hold }: Pick<QueueSetting, 'record' | 'hold'>): QueueAnswer {
  // A crash between taking a message and dropping the oldest leaves one too many until the next message comes.
  const addresses = contents.present().slice(-(readQueueOptions(record.arguments).maxLength ?? 0));
  for (const address of addresses) hold(address);
  return { type: 'recalled', addresses };
}
