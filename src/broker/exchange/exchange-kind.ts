/** The kinds of exchange that a client may declare. A new kind is a file of its own and a line here. */
import { EMPTY_TABLE } from '../field-table.ts';
import type { FieldTable } from '../field-table.ts';
import type { Refusal } from '../refusal.ts';
import { ReplyCode, refuse } from '../refusal.ts';
import { ConsistentHashExchange, checkHashArguments } from './consistent-hash-exchange.ts';
import { DELAYED_KIND, delayedTypeOf, refuseDelayedType } from './delayed-exchange.ts';
import type { Exchange } from './exchange.ts';
import { DirectExchange } from './direct-exchange.ts';
import { FanoutExchange } from './fanout-exchange.ts';
import { HeadersExchange } from './headers-exchange.ts';
import { LocalRandomExchange } from './local-random-exchange.ts';
import { ModulusHashExchange } from './modulus-hash-exchange.ts';
import { RandomExchange } from './random-exchange.ts';
import { HISTORY_KIND, checkHistoryArguments } from './recent-history-exchange.ts';
import { TopicExchange } from './topic-exchange.ts';

/** AMQP's own, then those that RabbitMQ has in plugins: its distribution brings all but the last one along. */
const KINDS = ['direct', 'fanout', 'topic', 'headers', 'x-consistent-hash', 'x-modulus-hash', 'x-random', 'x-local-random', HISTORY_KIND, DELAYED_KIND] as const;

export type ExchangeKind = (typeof KINDS)[number];

const KNOWN: ReadonlySet<string> = new Set(KINDS);

/** Whether a client may declare an exchange of this type; else 406 `unknown exchange type 't'`. */
export function isExchangeKind(type: string): type is ExchangeKind {
  return KNOWN.has(type);
}

/** Why an exchange of the kind may not be declared with these arguments (406), or undefined. */
export function checkExchangeArguments(kind: ExchangeKind, args: FieldTable): Refusal | undefined {
  if (kind === DELAYED_KIND) return checkDelayedType(args);
  if (kind === HISTORY_KIND) return checkHistoryArguments(args);
  return kind === 'x-consistent-hash' ? checkHashArguments(args) : undefined;
}

/** 406 for a type that is unknown. */
export function refuseUnknownKind(type: string): Refusal {
  return refuse(ReplyCode.preconditionFailed, `unknown exchange type '${type}'`);
}

function checkDelayedType(args: FieldTable): Refusal | undefined {
  const type = delayedTypeOf(args);
  // One that delays by delaying would never route anything, and a history is begun by exchanges of that type only.
  if (type === '' || type === DELAYED_KIND || type === HISTORY_KIND) return refuseDelayedType();
  return isExchangeKind(type) ? checkExchangeArguments(type, args) : refuseUnknownKind(type);
}

/** An exchange of the kind, with no bindings. Its arguments were checked. */
export function createExchange<Destination>(kind: ExchangeKind, args: FieldTable = EMPTY_TABLE): Exchange<Destination> {
  switch (kind) {
    case 'direct':
      return new DirectExchange();
    case 'fanout':
    case HISTORY_KIND:
      return new FanoutExchange();
    case 'topic':
      return new TopicExchange();
    case 'headers':
      return new HeadersExchange();
    case 'x-consistent-hash':
      return new ConsistentHashExchange(args);
    case 'x-modulus-hash':
      return new ModulusHashExchange();
    case 'x-random':
      return new RandomExchange();
    case 'x-local-random':
      return new LocalRandomExchange();
    case DELAYED_KIND:
      // How it routes what is not held back, or not any more.
      return createExchange(delayedTypeOf(args) as Exclude<ExchangeKind, typeof DELAYED_KIND>, args);
  }
}
