/** The methods of a channel that declare, bind and delete: each is a command to the topology, or a question to a queue. */
import { withoutLineEnds } from '../../broker/name.ts';
import { ReplyCode, refuse } from '../../broker/refusal.ts';
import { openQueue } from '../../broker/topology/access.ts';
import type { BindingCommand, QueueDelete, QueueFacts } from '../../broker/topology/topology-command.ts';
import type { QueueRecord } from '../../broker/topology/topology-records.ts';
import type { Method, MethodName, MethodOf } from '../method-table.ts';
import type { ChangeOutcome, ChannelPort } from './channel-port.ts';
import type { Channel } from './channel.ts';
import { releaseRecalled, replay } from './replay.ts';
import type { RouteCache } from './route-cache.ts';
import { REPLY_TO_PREFIX } from './direct-reply.ts';

type DeclaringMethod = Extract<
  Method,
  {
    name:
      | 'exchange.declare'
      | 'exchange.delete'
      | 'exchange.bind'
      | 'exchange.unbind'
      | 'queue.declare'
      | 'queue.delete'
      | 'queue.bind'
      | 'queue.unbind'
      | 'queue.purge';
  }
>;

/** A queue that is declared here but lives elsewhere is asked again this often when it is just being deleted. */
const DECLARE_ATTEMPTS_MAX = 3;

export class Declaring {
  readonly #channel: Channel;
  readonly #port: ChannelPort;
  readonly #routes: RouteCache;

  constructor(channel: Channel, port: ChannelPort, routes: RouteCache) {
    this.#routes = routes;
    this.#channel = channel;
    this.#port = port;
  }

  method(method: DeclaringMethod): void {
    switch (method.name) {
      case 'exchange.declare':
        return this.#declareExchange(method);
      case 'exchange.delete':
        return this.#change(
          { type: 'exchange.delete', who: this.#port.who, exchange: method.exchange, ifUnused: method.ifUnused },
          method.name,
          method.noWait ? undefined : { name: 'exchange.delete-ok' },
        );
      case 'exchange.bind':
      case 'exchange.unbind':
        return this.#bind(method, method.destination, method.source, method.noWait);
      case 'queue.bind':
        return this.#bindQueue(method, method.noWait);
      case 'queue.unbind':
        return this.#bindQueue(method, false);
      case 'queue.declare':
        return this.#declareQueue(method, DECLARE_ATTEMPTS_MAX);
      case 'queue.delete':
        return this.#deleteQueue(method, undefined);
      case 'queue.purge':
        return this.#purge(method);
    }
  }

  #send(method: Method): void {
    if (this.#channel.open) this.#port.send(this.#channel.number, method);
  }

  #change(command: Parameters<ChannelPort['change']>[0], method: MethodName, answer: Method | undefined): void {
    this.#port.change(command, (outcome) => {
      if ('refusal' in outcome) this.#channel.refuse(outcome.refusal, method);
      else if (answer !== undefined) this.#send(answer);
    });
  }

  #declareExchange(method: MethodOf<'exchange.declare'>): void {
    const { exchange, passive, durable, autoDelete, internal, noWait } = method;
    this.#change(
      {
        type: 'exchange.declare',
        who: this.#port.who,
        exchange,
        kind: method.type,
        passive,
        durable,
        autoDelete,
        internal,
        arguments: method.arguments,
      },
      method.name,
      noWait ? undefined : { name: 'exchange.declare-ok' },
    );
  }

  #bind(
    method: MethodOf<'exchange.bind'> | MethodOf<'exchange.unbind'>,
    destination: string,
    source: string,
    noWait: boolean,
  ): void {
    const command: BindingCommand = {
      type: method.name,
      who: this.#port.who,
      source,
      destination,
      routingKey: method.routingKey,
      arguments: method.arguments,
    };
    const answer = method.name === 'exchange.bind' ? 'exchange.bind-ok' : 'exchange.unbind-ok';
    this.#changeBinding(command, noWait ? undefined : { name: answer });
  }

  /** An empty queue name is the last declared queue; with an empty routing key too, that is its name (semantics of 0-9). */
  #bindQueue(method: MethodOf<'queue.bind'> | MethodOf<'queue.unbind'>, noWait: boolean): void {
    const queue = this.#named(method.queue, method.name);
    if (queue === undefined) return;
    const routingKey = method.queue === '' && method.routingKey === '' ? queue : method.routingKey;
    const command: BindingCommand = {
      type: method.name,
      who: this.#port.who,
      source: method.exchange,
      destination: queue,
      routingKey,
      arguments: method.arguments,
    };
    const answer = method.name === 'queue.bind' ? 'queue.bind-ok' : 'queue.unbind-ok';
    this.#changeBinding(command, noWait ? undefined : { name: answer });
  }

  #changeBinding(command: BindingCommand, answer: Method | undefined): void {
    this.#port.change(command, (outcome) => {
      if ('refusal' in outcome) this.#channel.refuse(outcome.refusal, command.type);
      else if (outcome.reply.type === 'bound') this.#replay(command, outcome.reply.history, answer);
      else if (answer !== undefined) this.#send(answer);
    });
  }

  /** The exchange remembers: what was just bound gets its last messages before the client is answered. */
  #replay({ type, who, destination }: BindingCommand, history: QueueRecord, answer: Method | undefined): void {
    const bound = this.#port.topology.destination(who.vhost, type === 'queue.bind' ? 'queue' : 'exchange', withoutLineEnds(destination));
    this.#port.ask(history, { type: 'recall' }, (recalled) => {
      if (recalled.type === 'recalled') {
        if (bound === undefined) releaseRecalled(this.#port.memory, recalled);
        else replay(this.#port, this.#routes, this.#channel.number, bound, recalled);
      }
      if (answer === undefined) return;
      if (bound?.kind !== 'queue') return this.#send(answer);
      // When it answers it has them, whoever asks for them next.
      this.#port.ask(bound.record, { type: 'status' }, () => this.#send(answer));
    });
  }

  /** The queue that a method means; undefined, and the channel is closed, when none was ever declared on it. */
  #named(name: string, method: MethodName): string | undefined {
    const queue = name === '' ? this.#channel.lastQueue : withoutLineEnds(name);
    if (queue === undefined) this.#channel.refuse(refuse(ReplyCode.notFound, 'no previously declared queue'), method);
    return queue;
  }

  #declareQueue(method: MethodOf<'queue.declare'>, attempts: number): void {
    if (method.queue.startsWith(REPLY_TO_PREFIX)) return this.#declareReply(method);
    const { passive, durable, exclusive, autoDelete } = method;
    let { queue } = method;
    if (passive && queue === '') {
      const named = this.#named(queue, method.name);
      if (named === undefined) return;
      queue = named;
    }
    const randomPart = queue === '' ? this.#port.randomPart() : '';
    this.#port.change(
      {
        type: 'queue.declare',
        who: this.#port.who,
        queue,
        randomPart,
        passive,
        durable,
        exclusive,
        autoDelete,
        arguments: method.arguments,
        thread: this.#port.queueThread,
        slot: 0,
      },
      (outcome) => this.#queueDeclared(method, outcome, attempts),
    );
  }

  #queueDeclared(method: MethodOf<'queue.declare'>, outcome: ChangeOutcome, attempts: number): void {
    if ('refusal' in outcome) return this.#channel.refuse(outcome.refusal, method.name);
    const { reply } = outcome;
    if (reply.type !== 'queue-declared') throw new Error(`a declare was answered with ${reply.type}`);
    const { queue } = reply;
    this.#channel.lastQueue = queue.name;
    // A queue that goes when nobody asks for it must hear that somebody did.
    if (method.noWait && (reply.created || !queue.arguments.has('x-expires'))) return;
    if (reply.created) return this.#sendDeclared(queue, 0, 0);
    this.#port.ask(queue, { type: 'status' }, (answer) => {
      if (answer.type === 'status') {
        if (!method.noWait) this.#sendDeclared(queue, answer.readyCount, answer.consumerCount);
      } else if (answer.type === 'refused') this.#channel.refuse(answer.refusal, method.name);
      else if (attempts > 1) this.#declareQueue(method, attempts - 1);
      else this.#channel.refuse(refuse(ReplyCode.resourceLocked, `queue '${queue.name}' is being deleted`), method.name);
    });
  }

  #sendDeclared(queue: QueueRecord, messageCount: number, consumerCount: number): void {
    this.#send({ name: 'queue.declare-ok', queue: queue.name, messageCount, consumerCount });
  }

  /** Asking for the queue of a direct reply tells whether who waits for it is still there. */
  #declareReply(method: MethodOf<'queue.declare'>): void {
    const { queue } = method;
    this.#port.probeReply(queue.slice(REPLY_TO_PREFIX.length), (alive) => {
      if (alive) {
        if (!method.noWait) this.#send({ name: 'queue.declare-ok', queue, messageCount: 0, consumerCount: 1 });
        return;
      }
      const text = `no queue '${queue}' in vhost '${this.#port.who.vhost}'`;
      this.#channel.refuse(refuse(ReplyCode.notFound, text), method.name);
    });
  }

  #deleteQueue(method: MethodOf<'queue.delete'>, facts: QueueFacts | undefined): void {
    const queue = this.#named(method.queue, method.name);
    if (queue === undefined) return;
    const command: QueueDelete = {
      type: 'queue.delete',
      who: this.#port.who,
      queue,
      ifUnused: method.ifUnused,
      ifEmpty: method.ifEmpty,
      facts,
    };
    this.#port.change(command, (outcome) => {
      if ('refusal' in outcome) return this.#channel.refuse(outcome.refusal, method.name);
      if (outcome.reply.type === 'facts-wanted') return this.#askFacts(method, outcome.reply.queue);
      if (!method.noWait) this.#send({ name: 'queue.delete-ok', messageCount: outcome.readyCount });
    });
  }

  #askFacts(method: MethodOf<'queue.delete'>, queue: QueueRecord): void {
    this.#port.ask(queue, { type: 'status' }, (answer) => {
      // What it holds is not known: it is not empty for anybody who asks.
      if (answer.type === 'refused') return this.#channel.refuse(answer.refusal, method.name);
      const known = answer.type === 'status' ? answer : { readyCount: 0, consumerCount: 0 };
      this.#deleteQueue(method, { readyCount: known.readyCount, consumerCount: known.consumerCount });
    });
  }

  #purge(method: MethodOf<'queue.purge'>): void {
    const name = this.#named(method.queue, method.name);
    if (name === undefined) return;
    const opened = openQueue(this.#port.topology, this.#port.who, name);
    if ('refusal' in opened) return this.#channel.refuse(opened.refusal, method.name);
    this.#port.ask(opened.queue.record, { type: 'purge' }, (answer) => {
      if (answer.type === 'refused') return this.#channel.refuse(answer.refusal, method.name);
      if (method.noWait) return;
      this.#send({ name: 'queue.purge-ok', messageCount: answer.type === 'purged' ? answer.count : 0 });
    });
  }
}
