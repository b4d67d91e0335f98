/** The kinds of exchange that a client may declare. A new kind is a file of its own and a line here. */
import type { Exchange } from './exchange.ts';
import { DirectExchange } from './direct-exchange.ts';
import { FanoutExchange } from './fanout-exchange.ts';
import { HeadersExchange } from './headers-exchange.ts';
import { TopicExchange } from './topic-exchange.ts';

export type ExchangeKind = 'direct' | 'fanout' | 'topic' | 'headers';

const KINDS: ReadonlySet<string> = new Set<ExchangeKind>(['direct', 'fanout', 'topic', 'headers']);

/** Whether a client may declare an exchange of this type; else 406 `unknown exchange type 't'`. */
export function isExchangeKind(type: string): type is ExchangeKind {
  return KINDS.has(type);
}

/** An exchange of the kind, with no bindings. */
export function createExchange<Destination>(kind: ExchangeKind): Exchange<Destination> {
  switch (kind) {
    case 'direct':
      return new DirectExchange();
    case 'fanout':
      return new FanoutExchange();
    case 'topic':
      return new TopicExchange();
    case 'headers':
      return new HeadersExchange();
  }
}
