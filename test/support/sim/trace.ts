import { ConnectionLetter } from '../../../actors/messages/connection-messages.ts';
import { KeeperLetter } from '../../../actors/messages/keeper-messages.ts';
import { QueueLetter } from '../../../actors/messages/queue-messages.ts';
import { ReplicaLetter } from '../../../actors/messages/replica-messages.ts';
import { StoreLetter } from '../../../actors/messages/store-messages.ts';
import { TopologyLetter } from '../../../actors/messages/topology-messages.ts';
import { type ActorRef, type Letter, RuntimeLetter } from '../../../actors/runtime/letter.ts';

const NAMES = new Map<number, string>(
  [
    ['', RuntimeLetter],
    ['queue.', QueueLetter],
    ['connection.', ConnectionLetter],
    ['topology.', TopologyLetter],
    ['replica.', ReplicaLetter],
    ['keeper.', KeeperLetter],
    ['store.', StoreLetter],
  ].flatMap(([prefix, kinds]) => Object.entries(kinds as Readonly<Record<string, number>>).map(([name, type]) => [type, `${prefix as string}${name}`])),
);
/** Words of a batch that a line of the trace shows. */
const WORDS_SHOWN = 16;

/** A letter as a line of the conversation. */
export function describeLetter(to: ActorRef, letter: Letter): string {
  const { sender, a, b, c, count, ints, body } = letter;
  const name = NAMES.get(letter.type) ?? letter.type.toString(16);
  const words = count === 0 ? '' : ` [${ints.subarray(0, Math.min(count, WORDS_SHOWN)).join(' ')}${count > WORDS_SHOWN ? ' ...' : ''}]`;
  const said = body === undefined ? '' : ` ${JSON.stringify(body, (_key, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : typeof value === 'bigint' ? String(value) : value))}`;
  return `${refText(sender)} -> ${refText(to)} ${name} #${letter.number} ${a} ${b} ${c}${words}${said}`;
}

function refText({ thread, id, generation }: ActorRef): string {
  return `${thread}/${id}.${generation}`;
}
