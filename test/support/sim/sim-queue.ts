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
};

const PLAIN = { stable: false, exclusive: false, autoDelete: false, single: false, arguments: new Map() } as const;
const SINGLE: FieldTable = new Map([['x-single-active-consumer', { type: 't', value: true }]]);
const SHORT: FieldTable = new Map([['x-max-length', { type: 'I', value: 5 }]]);

export const STABLE_QUEUES: readonly SimQueue[] = [
  { ...PLAIN, name: 'stable', stable: true },
  { ...PLAIN, name: 'stable-too', stable: true },
  { ...PLAIN, name: 'single', stable: true, single: true, arguments: SINGLE },
];

export const VOLATILE_QUEUES: readonly SimQueue[] = [
  { ...PLAIN, name: 'passing' },
  { ...PLAIN, name: 'short', arguments: SHORT },
  { ...PLAIN, name: 'vanishing', autoDelete: true },
];

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
