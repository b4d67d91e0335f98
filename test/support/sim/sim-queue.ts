import type { FieldTable } from '../../../src/broker/field-table.ts';
import type { MethodOf } from '../../../src/amqp/method-table.ts';

/** A queue of the simulation, always declared alike. */
export type SimQueue = {
  readonly name: string;
  /** Nobody deletes or purges it, and what takes from it acknowledges: what was confirmed can be asked for. */
  readonly stable: boolean;
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
  readonly single: boolean;
  readonly arguments: FieldTable;
  /** The queue of its dead letters: what is rejected here comes there. */
  readonly grave?: string;
  /** Nobody publishes to it: what comes are dead letters. */
  readonly buries?: true;
};

const PLAIN = { stable: false, exclusive: false, autoDelete: false, single: false, arguments: new Map() } as const;
const SINGLE: FieldTable = new Map([['x-single-active-consumer', { type: 't', value: true }]]);
const RANKED_MAX = 2;
const RANKED: FieldTable = new Map([['x-max-priority', { type: 'I', value: RANKED_MAX }]]);
const GRAVE = 'grave';
const DYING: FieldTable = new Map([
  ['x-dead-letter-exchange', { type: 'S', value: Buffer.from('') }],
  ['x-dead-letter-routing-key', { type: 'S', value: Buffer.from(GRAVE) }],
]);
const SHORT: FieldTable = new Map([['x-max-length', { type: 'I', value: 5 }]]);

export const STABLE_QUEUES: readonly SimQueue[] = [
  { ...PLAIN, name: 'stable', stable: true },
  { ...PLAIN, name: 'stable-too', stable: true },
  { ...PLAIN, name: 'single', stable: true, single: true, arguments: SINGLE },
  { ...PLAIN, name: 'ranked', stable: true, arguments: RANKED },
  { ...PLAIN, name: 'dying', stable: true, arguments: DYING, grave: GRAVE },
  { ...PLAIN, name: GRAVE, stable: true, buries: true },
];

export const VOLATILE_QUEUES: readonly SimQueue[] = [
  { ...PLAIN, name: 'passing' },
  { ...PLAIN, name: 'short', arguments: SHORT },
  { ...PLAIN, name: 'vanishing', autoDelete: true },
];

type Identity = { readonly publisher: number; readonly sequence: number };

/** What a message is published with: 0 to 3. */
export function priorityOf({ publisher, sequence }: Identity): number {
  return (publisher + 5 * sequence) & 3;
}

/** The level of a message in its queue: 0 where all are alike. */
export function levelOf(entry: Identity & { readonly queue: string }): number {
  return entry.queue === 'ranked' ? Math.min(priorityOf(entry), RANKED_MAX) : 0;
}

/** Messages of one lane of a queue are delivered in the order in which they were published. */
export function laneOf(entry: Identity & { readonly queue: string }): number {
  return 4 * entry.publisher + levelOf(entry);
}

/** The stable queue whose dead letters come to this one. */
export function diedIn(grave: string): string | undefined {
  return STABLE_QUEUES.find((queue) => queue.grave === grave)?.name;
}

/** How long a message of a queue waits at least that came back for the `returns`th time, milliseconds. */
export function retryWaitMs(name: string, returns: number): number {
  const table = STABLE_QUEUES.find((queue) => queue.name === name)?.arguments;
  const [minMs, maxMs] = ['min', 'max'].map((end) => {
    const field = table?.get(`x-delayed-retry-${end}`);
    return field?.type === 'I' ? field.value : 0;
  });
  return Math.min(minMs! * returns, maxMs!);
}

export function declareOf(queue: SimQueue): MethodOf<'queue.declare'> {
  const { name, exclusive, autoDelete } = queue;
  return {
    name: 'queue.declare',
    queue: name,
    passive: false,
    durable: true,
    exclusive,
    autoDelete,
    noWait: false,
    arguments: queue.arguments,
  };
}
