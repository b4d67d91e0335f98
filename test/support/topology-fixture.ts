/** A topology with one virtual host and one user who may do everything, and short ways to send it commands. */
import { Buffer } from 'node:buffer';
import { EMPTY_TABLE } from '../../src/broker/field-table.ts';
import type { FieldTable, FieldValue } from '../../src/broker/field-table.ts';
import { decide } from '../../src/broker/topology/decide.ts';
import { RouteResult, route } from '../../src/broker/topology/router.ts';
import { Topology } from '../../src/broker/topology/topology.ts';
import type { BindingCommand, Decision, ExchangeDeclare, QueueDeclare, QueueDelete, TopologyCommand } from '../../src/broker/topology/topology-command.ts';
import type { TopologyEvent } from '../../src/broker/topology/topology-event.ts';
import { UNLIMITED } from '../../src/broker/topology/topology-records.ts';

export const VHOST = '/';
export const USER = 'guest';
export const WHO = { user: USER, vhost: VHOST, connection: 1 };

export const longstr = (text: string): FieldValue => ({ type: 'S', value: Buffer.from(text) });
export const int = (value: number): FieldValue => ({ type: 'I', value });
export const bool = (value: boolean): FieldValue => ({ type: 't', value });
export const tableOf = (fields: Readonly<Record<string, FieldValue>>): FieldTable => new Map(Object.entries(fields));

/** A writer: decides, applies, and keeps what happened. */
export class Writer {
  readonly topology = new Topology();
  readonly events: TopologyEvent[] = [];
  #names = 0;

  constructor() {
    this.must({ type: 'vhost.set', vhost: { name: VHOST, queueCountMax: UNLIMITED } });
    this.must({ type: 'user.set', user: { name: USER, passwordHash: '', hashingAlgorithm: '', tags: [] } });
    this.must({ type: 'permission.set', permission: { user: USER, vhost: VHOST, configure: '.*', write: '.*', read: '.*' } });
  }

  send(command: TopologyCommand): Decision {
    const decision = decide(this.topology, command);
    if ('events' in decision) {
      for (const event of decision.events) {
        this.topology.apply(event);
        this.events.push(event);
      }
    }
    return decision;
  }

  /** The whole text of the refusal, or `ok`. */
  text(command: TopologyCommand): string {
    const decision = this.send(command);
    return 'refusal' in decision ? decision.refusal.text : 'ok';
  }

  must(command: TopologyCommand): readonly TopologyEvent[] {
    const decision = this.send(command);
    if ('refusal' in decision) throw new Error(decision.refusal.text);
    return decision.events;
  }

  queue(name: string, over: Partial<QueueDeclare> = {}): QueueDeclare {
    return {
      type: 'queue.declare',
      who: WHO,
      queue: name,
      randomPart: `random${this.#names++}`,
      passive: false,
      durable: true,
      exclusive: false,
      autoDelete: false,
      arguments: EMPTY_TABLE,
      thread: 0,
      slot: 0,
      ...over,
    };
  }

  exchange(name: string, kind: string, over: Partial<ExchangeDeclare> = {}): ExchangeDeclare {
    return {
      type: 'exchange.declare',
      who: WHO,
      exchange: name,
      kind,
      passive: false,
      durable: true,
      autoDelete: false,
      internal: false,
      arguments: EMPTY_TABLE,
      ...over,
    };
  }

  binding(type: BindingCommand['type'], destination: string, source: string, routingKey = '', over: Partial<BindingCommand> = {}): BindingCommand {
    return { type, who: WHO, source, destination, routingKey, arguments: EMPTY_TABLE, ...over };
  }

  queueDelete(name: string, over: Partial<QueueDelete> = {}): QueueDelete {
    return { type: 'queue.delete', who: WHO, queue: name, ifUnused: false, ifEmpty: false, facts: undefined, ...over };
  }

  /** The names of the queues that get a message published so, sorted. */
  routed(exchange: string, routingKeys: string | readonly string[], headers?: FieldTable): string[] {
    return routedIn(this.topology, exchange, typeof routingKeys === 'string' ? [routingKeys] : routingKeys, headers);
  }
}

export function routedIn(topology: Topology, exchange: string, routingKeys: readonly string[], headers?: FieldTable): string[] {
  const node = topology.exchange(VHOST, exchange);
  if (node === undefined) throw new Error(`no exchange ${exchange}`);
  const result = new RouteResult(() => 0);
  route(topology, node, routingKeys, headers === undefined ? {} : { headers }, result);
  return result.queues.map((queue) => queue.name).sort();
}

