/** Random sessions from seeds: what a client might do, and what it should not, with queues and exchanges of every kind. */
import type { RawValue } from '../../support/raw-table.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import type { Arguments, Step, StepProperties } from './step.ts';

const CHANNELS = ['a1', 'a2', 'b1'];
/** Settles several deliveries at once; all its deliveries come from one queue, so that their order is known. */
const ORDERED_CHANNEL = 'b1';
const ORDERED_QUEUE = 'q0';
/** Transacts, or has its publishes confirmed. */
const TRANSACTING_CHANNEL = 'a2';
const QUEUES = ['q0', 'q1', 'q2', 'q3'];
const EXCHANGES = ['x0', 'x1', 'x2'];
const KEYS = ['', 'a', 'b', 'a.b', 'a.b.c', 'q0', 'q1'];
const PATTERNS = ['', 'a', 'b', '#', '*', 'a.*', 'a.#', '*.b', 'q0'];
/** Needs the plugin in RabbitMQ. */
const HISTORY_KIND = 'x-recent-history';
const KINDS = ['direct', 'fanout', 'topic', 'headers'];
/** Message times that are over within a step, and those that no session reaches, milliseconds. */
const SOON_MS = 150;
const SOON_WAIT_MS = 450;
const FAR_MS = 600_000;
const STEPS_MIN = 25;
const STEPS_MAX = 60;
/** Steps that wait for messages to expire, a session: each takes half a second. */
const EXPIRING_STEPS_MAX = 4;

const I = (value: number): RawValue => ['I', value];
const S = (value: string): RawValue => ['S', value];

/** Each is wrong in its own way. */
const WRONG_ARGUMENTS: readonly Arguments[] = [
  { 'x-max-length': I(-1) },
  { 'x-max-length': S('many') },
  { 'x-overflow': S('spill') },
  { 'x-message-ttl': I(-5) },
  { 'x-message-ttl': S('soon') },
  { 'x-expires': I(0) },
  { 'x-single-active-consumer': S('yes') },
  { 'x-max-length-bytes': ['t', true] },
  { 'x-queue-type': S('nothing') },
  { 'x-max-priority': I(-1) },
  { 'x-max-priority': I(256) },
  { 'x-dead-letter-exchange': I(1) },
  { 'x-dead-letter-routing-key': S('alone') },
];

export class SessionPlan {
  readonly #random: SeededRandom;
  readonly #steps: Step[] = [];
  /** Queues where messages expire soon, as declared first. */
  readonly #soonQueues = new Set<string>();
  #transacts = false;
  /** Exchanges that remember, as declared first or later. */
  readonly #remembering = new Set<string>();
  #expiringSteps = 0;
  /** A message that expires soon was published. */
  #hasExpiring = false;
  #bodies = 0;
  #consumers = 0;
  #tags: string[] = [];

  private constructor(seed: number) {
    // Neighbouring seeds would begin alike.
    this.#random = new SeededRandom(Math.imul(seed + 1, 0x9e3779b1));
    for (let turn = 0; turn < 8; turn++) this.#random.below(2);
  }

  static of(seed: number): readonly Step[] {
    const plan = new SessionPlan(seed);
    plan.#begin();
    const count = STEPS_MIN + plan.#random.below(STEPS_MAX - STEPS_MIN);
    while (plan.#steps.length < count) plan.#next();
    return plan.#steps;
  }

  #begin(): void {
    this.#transacts = this.#oneIn(6);
    for (const queue of QUEUES) if (!this.#oneIn(8)) this.#declareQueue(queue);
    for (const exchange of EXCHANGES) if (!this.#oneIn(4)) this.#declareExchange(exchange);
    for (let count = 0; count < 3; count++) this.#bind();
    if (!this.#oneIn(3)) this.#call(TRANSACTING_CHANNEL, this.#transacts ? 'tx.select' : 'confirm.select', {});
    if (this.#oneIn(3)) this.#call('b1', 'confirm.select', {});
  }

  #next(): void {
    const actions: readonly [weight: number, act: () => void][] = [
      [10, () => this.#publish()],
      [5, () => this.#consume()],
      [6, () => this.#get()],
      [12, () => this.#settle()],
      [2, () => this.#cancel()],
      [2, () => this.#call(this.#channel(), 'queue.purge', { queue: this.#queue() })],
      [2, () => this.#call(this.#channel(), 'queue.delete', { queue: this.#queue(), ifUnused: this.#oneIn(2), ifEmpty: this.#oneIn(3) })],
      [3, () => this.#declareQueue(this.#queue())],
      [2, () => this.#declareExchange(this.#exchange())],
      [1, () => this.#call(this.#channel(), 'exchange.delete', { exchange: this.#exchange(), ifUnused: this.#oneIn(2) })],
      [3, () => this.#bind()],
      [1, () => this.#unbind()],
      [2, () => this.#call(this.#channel(), 'basic.qos', { prefetchCount: this.#random.below(4), global: this.#oneIn(4) })],
      [1, () => this.#call(this.#channel(), 'basic.recover', { requeue: true })],
      [1, () => this.#call(TRANSACTING_CHANNEL, this.#pick(['tx.commit', 'tx.rollback'] as const), {})],
      [1, () => this.#steps.push({ do: 'reopen', on: this.#channel(), what: this.#oneIn(3) ? 'connection' : 'channel' })],
      [1, () => this.#oneIn(3) && this.#steps.push({ do: 'settle-unknown', on: this.#channel() })],
    ];
    let place = this.#random.below(actions.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, act] of actions) {
      place -= weight;
      if (place < 0) return act();
    }
  }

  #declareQueue(queue: string): void {
    const random = this.#random;
    if (this.#oneIn(12)) {
      return this.#call(this.#channel(), 'queue.declare', { queue, durable: true }, this.#pick(WRONG_ARGUMENTS));
    }
    const args: Record<string, RawValue> = {};
    if (this.#oneIn(4)) args['x-max-length'] = I(random.below(4));
    if (this.#oneIn(8)) args['x-max-length-bytes'] = I(random.below(30));
    if (this.#oneIn(4)) args['x-overflow'] = S(this.#pick(['drop-head', 'reject-publish']));
    if (this.#oneIn(4)) args['x-message-ttl'] = I(this.#pick([0, SOON_MS, FAR_MS, FAR_MS]));
    if (this.#oneIn(8)) args['x-expires'] = I(FAR_MS);
    if (this.#oneIn(6)) args['x-single-active-consumer'] = ['t', true];
    if (this.#oneIn(10)) args['x-queue-type'] = S('classic');
    if (this.#oneIn(4)) args['x-max-priority'] = I(this.#pick([0, 1, 5, 5, 255]));
    if (this.#oneIn(3)) this.#addDeadLetters(args);
    if (args['x-message-ttl']?.[1] === SOON_MS) this.#soonQueues.add(queue);
    this.#call(
      this.#channel(),
      'queue.declare',
      { queue, durable: this.#oneIn(2), exclusive: this.#oneIn(10), autoDelete: this.#oneIn(6), passive: this.#oneIn(12) },
      args,
    );
  }

  #addDeadLetters(args: Record<string, RawValue>): void {
    const exchange = this.#oneIn(3) ? '' : this.#exchange();
    args['x-dead-letter-exchange'] = S(exchange);
    if (this.#oneIn(2)) args['x-dead-letter-routing-key'] = S(exchange === '' ? this.#queue() : this.#pick(KEYS));
    if (this.#oneIn(4)) args['x-overflow'] = S('reject-publish-dlx');
  }

  #declareExchange(exchange: string): void {
    const args: Record<string, RawValue> = this.#oneIn(3) ? { 'alternate-exchange': S(this.#exchange()) } : {};
    // RabbitMQ remembers what is rolled back too.
    const type = !this.#transacts && this.#oneIn(5) ? HISTORY_KIND : this.#pick(KINDS);
    if (type === HISTORY_KIND) {
      this.#remembering.add(exchange);
      if (this.#oneIn(2)) args['x-recent-history-length'] = I(this.#random.below(4));
    }
    this.#call(
      this.#channel(),
      'exchange.declare',
      { exchange, type, durable: this.#oneIn(2), autoDelete: this.#oneIn(6), internal: this.#oneIn(12), passive: this.#oneIn(15) },
      args,
    );
  }

  #bindingTerms(): { routingKey: string; args: Arguments } {
    const args: Arguments = this.#oneIn(3) ? { 'x-match': S(this.#pick(['all', 'any', 'none'])), k: I(this.#random.below(3)) } : {};
    return { routingKey: this.#pick(PATTERNS), args };
  }

  #bind(): void {
    const { routingKey, args } = this.#bindingTerms();
    const source = this.#exchange();
    // A history that is replayed to an exchange without queues closes connections of RabbitMQ (541).
    const isExchange = this.#oneIn(5) && !this.#remembering.has(source);
    if (isExchange) this.#call(this.#channel(), 'exchange.bind', { destination: this.#exchange(), source, routingKey }, args);
    else this.#bindQueue({ queue: this.#queue(), exchange: this.#source(), routingKey }, args);
  }

  #bindQueue(fields: { readonly queue: string; readonly exchange: string; readonly routingKey: string }, args: Arguments): void {
    // What is replayed begins to expire anew.
    const waits = this.#remembering.has(fields.exchange) && (this.#hasExpiring || this.#soonQueues.has(fields.queue));
    this.#call(this.#channel(), 'queue.bind', fields, args, waits ? SOON_WAIT_MS : undefined);
  }

  #unbind(): void {
    const known = this.#steps.filter((step) => step.do === 'call' && (step.method === 'queue.bind' || step.method === 'exchange.bind'));
    if (known.length === 0) return;
    const bound = this.#pick(known);
    if (bound.do !== 'call') return;
    const method = bound.method === 'queue.bind' ? 'queue.unbind' : 'exchange.unbind';
    this.#call(this.#channel(), method, bound.fields, bound.arguments);
  }

  #publish(): void {
    const exchange = this.#oneIn(3) ? '' : this.#source();
    const routingKey = exchange === '' ? this.#queue() : this.#pick(KEYS);
    const properties = this.#properties();
    const count = this.#oneIn(3) ? 1 + this.#random.below(5) : 1;
    const bodies = Array.from({ length: count }, () => `m${++this.#bodies}${this.#oneIn(10) ? '.'.repeat(20) : ''}`);
    const isExpiring = properties.expiration !== undefined && Number(properties.expiration) === SOON_MS;
    const waits = isExpiring || this.#soonQueues.size > 0;
    if (waits && this.#expiringSteps >= EXPIRING_STEPS_MAX) return;
    if (waits) this.#expiringSteps++;
    this.#hasExpiring ||= isExpiring;
    const on = this.#channel();
    // Its messages begin to expire with the commit, and nobody waits there.
    if (waits && this.#transacts && on === TRANSACTING_CHANNEL) return;
    const step = { do: 'publish', on, exchange, routingKey, mandatory: this.#oneIn(3), properties, bodies } as const;
    this.#steps.push(waits ? { ...step, waitMs: SOON_WAIT_MS } : step);
  }

  #properties(): StepProperties {
    const headers: Record<string, RawValue> = {};
    if (this.#oneIn(4)) headers['k'] = I(this.#random.below(3));
    if (this.#oneIn(10)) headers['CC'] = ['A', [S(this.#pick(KEYS)), S(this.#pick(KEYS))]];
    if (this.#oneIn(12)) headers['x-recent-history-no-store'] = ['t', true];
    if (this.#oneIn(12)) headers['BCC'] = ['A', [S(this.#pick(KEYS))]];
    return {
      ...(this.#oneIn(2) ? { deliveryMode: 1 + this.#random.below(2) } : {}),
      ...(Object.keys(headers).length > 0 ? { headers } : {}),
      ...(this.#oneIn(8) ? { messageId: `id${this.#bodies}` } : {}),
      ...(this.#oneIn(8) ? { expiration: this.#pick(['0', String(FAR_MS), String(FAR_MS), String(SOON_MS), 'x']) } : {}),
      ...(this.#oneIn(8) ? { priority: this.#random.below(12) } : {}),
      ...(this.#oneIn(20) ? { replyTo: 'somewhere', timestamp: 12_345, correlationId: 'c' } : {}),
    };
  }

  #consume(): void {
    const on = this.#channel();
    const consumerTag = this.#oneIn(8) && this.#tags.length > 0 ? this.#pick(this.#tags) : `c${++this.#consumers}`;
    this.#tags.push(consumerTag);
    const args: Arguments = this.#oneIn(5) ? { 'x-priority': I(this.#random.below(3)) } : {};
    this.#call(on, 'basic.consume', { queue: this.#queueFor(on), consumerTag, noAck: this.#oneIn(4), exclusive: this.#oneIn(12) }, args);
  }

  #cancel(): void {
    if (this.#tags.length > 0) this.#call(this.#channel(), 'basic.cancel', { consumerTag: this.#pick(this.#tags) });
  }

  #get(): void {
    const on = this.#channel();
    this.#steps.push({ do: 'get', on, queue: this.#queueFor(on), noAck: this.#oneIn(3) });
  }

  #settle(): void {
    const on = this.#channel();
    this.#steps.push({
      do: 'settle',
      on,
      how: this.#pick(['ack', 'ack', 'nack', 'reject']),
      place: this.#random.below(10),
      requeue: this.#oneIn(2),
      multiple: on === ORDERED_CHANNEL && this.#oneIn(3),
    });
  }

  #call(
    on: string,
    method: Extract<Step, { do: 'call' }>['method'],
    fields: Readonly<Record<string, string | number | boolean>>,
    args: Arguments = {},
    waitMs?: number,
  ): void {
    this.#steps.push({
      do: 'call',
      on,
      method,
      // False is what a field is anyway.
      fields: Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== false)),
      ...(Object.keys(args).length === 0 ? {} : { arguments: args }),
      ...(waitMs === undefined ? {} : { waitMs }),
    });
  }

  #channel = (): string => this.#pick(CHANNELS);
  #queue = (): string => this.#pick(QUEUES);
  #exchange = (): string => this.#pick(EXCHANGES);
  /** Where messages come in. */
  #source = (): string => this.#exchange();
  #queueFor = (on: string): string => (on === ORDERED_CHANNEL ? ORDERED_QUEUE : this.#queue());

  #pick<T>(values: readonly T[]): T {
    return values[this.#random.below(values.length)]!;
  }

  #oneIn(times: number): boolean {
    return this.#random.oneIn(times);
  }
}
