/**
 * A queue that has crashed too often is started again because somebody asks for it, with a new budget of crashes; the node and its other
 * queues go on meanwhile. On its thread that is a question to the supervisor of queues, here it is the way there and the words.
 */
import { queueActorId } from '../../actors/messages/queue-messages.ts';
import { ReplicaLetter } from '../../actors/messages/replica-messages.ts';
import type { ActorGroup } from '../../actors/runtime/actor-group.ts';
import { describe } from '../broker/name.ts';
import type { Topology } from '../broker/topology/topology.ts';
import type { ThreadQuestions } from './thread-questions.ts';

/** What the thread of the queue says. */
type RestartOutcome = { readonly outcome: 'started' | 'runs' | 'absent' } | { readonly outcome: 'failed'; readonly why: string };

/** Whether it had to be started: one that runs is left alone. */
export type QueueRestart = { readonly started: boolean };

/** The fields of a question, or an error that says what is missing. */
export function readRestartQuestion({ vhost, queue }: Readonly<Record<string, unknown>>): { readonly vhost: string; readonly queue: string } {
  if (typeof vhost === 'string' && typeof queue === 'string') return { vhost, queue };
  throw new Error('the fields "vhost" and "queue" must be texts');
}

/** On the main thread. Rejects with a sentence that says why the queue does not run. */
export async function restartQueue(topology: Topology, threads: readonly number[], questions: ThreadQuestions, vhost: string, name: string): Promise<QueueRestart> {
  const title = describe('queue', vhost, name);
  const record = topology.queue(vhost, name)?.record;
  if (record === undefined) throw new Error(`there is no ${title}`);
  if (!threads.includes(record.thread)) throw new Error(`the thread of ${title} is being replaced, and starts it again`);
  // Nobody watches a queue that is down. Who has answered this has read what it delivered before it went down, and that it did (I7).
  await Promise.all(threads.map((thread) => questions.ask(thread, ReplicaLetter.describe)));
  const answer = (await questions.ask(record.thread, ReplicaLetter.restartQueue, record.id)) as RestartOutcome | undefined;
  switch (answer?.outcome) {
    case 'started':
      return { started: true };
    case 'runs':
      return { started: false };
    case 'failed':
      throw new Error(`${title} does not start: ${answer.why}`);
    case 'absent':
      throw new Error(`${title} is being deleted`);
    case undefined:
      throw new Error(`the thread of ${title} was lost, and its replacement starts it again`);
  }
}

/** On the thread of the queue. `damage` says that what is stored of it cannot be trusted: it must stay down. */
export function restartInGroup({ supervisor }: ActorGroup, queue: number, damage: string | undefined): RestartOutcome {
  const id = queueActorId(queue);
  const before = supervisor.child(id);
  if (before === undefined) return { outcome: 'absent' };
  if (before.state !== 'crashed') return { outcome: 'runs' };
  if (damage !== undefined) return { outcome: 'failed', why: damage };
  supervisor.restartChild(0, id);
  const after = supervisor.child(id);
  return after?.state === 'running' ? { outcome: 'started' } : { outcome: 'failed', why: after?.lastError ?? 'it crashes at once' };
}
