/**
 * x-local-random: like x-random, among queues of this node only (RabbitMQ 4.0). There is one node, so all queues are local; what is left
 * of the difference is what it refuses to bind.
 */
import type { Refusal } from '../refusal.ts';
import { ReplyCode, refuse } from '../refusal.ts';
import type { BindingTerms } from './exchange.ts';
import { RandomExchange } from './random-exchange.ts';

export class LocalRandomExchange<Destination> extends RandomExchange<Destination> {
  override validate({ destinationKind, routingKey }: BindingTerms): Refusal | undefined {
    if (routingKey !== '') return refuse(ReplyCode.preconditionFailed, `Non empty binding '${routingKey}' key not permitted`);
    return destinationKind === 'queue' ? undefined : refuse(ReplyCode.preconditionFailed, 'Destination not found');
  }
}
