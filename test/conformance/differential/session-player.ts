/**
 * Plays a session against a broker and writes down all that can be seen. After each step everything is given time to settle without any
 * sleep: each channel asks each queue for its counts, twice, and whatever a queue has sent before has come when it answers; and every
 * publish that wants a confirm has one.
 */
import type { TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import type { RawProperties } from '../../support/raw-properties.ts';
import { table } from '../../support/raw-table.ts';
import { PlayedChannel } from './played-channel.ts';
import { type QueueSight, Scout } from './scout.ts';
import { fieldsOf, shownFrame } from './shown-frame.ts';
import type { Step, StepProperties, Transcript } from './step.ts';

/** Fields of methods that hold the name of a queue or an exchange. */
const NAME_FIELDS: ReadonlySet<string> = new Set(['queue', 'exchange', 'source', 'destination']);
/** Arguments that do. */
const NAME_ARGUMENTS: ReadonlySet<string> = new Set(['alternate-exchange', 'x-dead-letter-exchange']);
const DEADLINE_MS = 20_000;
/** What the end of a channel or connection sets going has no answer that could be waited for: so long nothing may change, milliseconds. */
const CALM_MS = 40;

/** The player has changed what it wanted to see: the session has to be played again. */
export class Disturbance extends Error {}

export class SessionPlayer {
  readonly #broker: TestBroker;
  readonly #prefix: string;
  readonly #clients = new Map<string, RawClient>();
  readonly #channels = new Map<string, PlayedChannel>();
  readonly #names = { queues: new Set<string>(), exchanges: new Set<string>() };
  /** The connection that owns an exclusive queue. */
  readonly #owners = new Map<string, string>();
  /** What was shown of each queue last: only what changes is shown again. */
  readonly #seen = new Map<string, string>();
  readonly #scout: Scout;
  #connectionLines: string[] = [];

  private constructor(broker: TestBroker, prefix: string, scout: Scout) {
    this.#broker = broker;
    this.#prefix = prefix;
    this.#scout = scout;
  }

  /** The transcript of a session played from the beginning; queues and exchanges are named after `prefix`, and are gone afterwards. */
  static async play(broker: TestBroker, steps: readonly Step[], prefix: string): Promise<Transcript> {
    const player = new SessionPlayer(broker, prefix, await Scout.connect(broker));
    try {
      const transcript: string[][] = [];
      for (const step of steps) transcript.push(await player.#step(step));
      return transcript;
    } finally {
      await player.#end();
    }
  }

  async #step(step: Step): Promise<string[]> {
    const channel = 'on' in step ? await this.#channel(step.on) : undefined;
    let isCalmNeeded = false;
    switch (step.do) {
      case 'call': {
        const fields: Record<string, unknown> = { ...step.fields };
        for (const name of NAME_FIELDS) if (typeof fields[name] === 'string') fields[name] = this.#named(fields[name]);
        if (step.arguments !== undefined) fields['arguments'] = this.#table(step.arguments);
        this.#note(step);
        channel!.raw.send(step.method, fields);
        if (step.method === 'confirm.select') channel!.confirmSelected();
        if (step.method === 'basic.consume' && step.fields['noAck'] === true) channel!.automatic.add(String(step.fields['consumerTag']));
        isCalmNeeded = step.method === 'queue.delete' || step.method === 'basic.cancel';
        // RabbitMQ takes nothing else while it commits.
        if (step.method === 'tx.commit') await this.#answered(channel!);
        if (step.waitMs !== undefined) await passed(step.waitMs);
        break;
      }
      case 'publish': {
        const isDefault = step.exchange === '';
        const destination = {
          exchange: this.#named(step.exchange),
          routingKey: isDefault ? this.#named(step.routingKey) : step.routingKey,
          mandatory: step.mandatory,
        };
        for (const body of step.bodies) {
          channel!.published(body);
          channel!.raw.publish(destination, body, this.#properties(step.properties));
        }
        if (step.waitMs !== undefined) await passed(step.waitMs);
        break;
      }
      case 'get':
        channel!.getsAutomatically = step.noAck;
        channel!.raw.send('basic.get', { queue: this.#named(step.queue), noAck: step.noAck });
        break;
      case 'settle':
        this.#settle(channel!, step);
        break;
      case 'settle-unknown':
        channel!.raw.send('basic.ack', { deliveryTag: 9_999 });
        isCalmNeeded = true;
        break;
      case 'reopen':
        await this.#reopen(channel!, step.what);
        isCalmNeeded = true;
        break;
      case 'wait':
        await passed(step.ms);
    }
    return this.#settled(isCalmNeeded);
  }

  #settle(channel: PlayedChannel, step: Extract<Step, { do: 'settle' }>): void {
    if (channel.held.length === 0) return;
    const at = step.place % channel.held.length;
    const deliveryTag = channel.held[at]!.tag;
    if (step.how === 'reject') channel.raw.send('basic.reject', { deliveryTag, requeue: step.requeue });
    else if (step.how === 'ack') channel.raw.send('basic.ack', { deliveryTag, multiple: step.multiple });
    else channel.raw.send('basic.nack', { deliveryTag, multiple: step.multiple, requeue: step.requeue });
    const multiple = step.multiple && step.how !== 'reject';
    channel.held = channel.held.filter(({ tag }) => tag !== deliveryTag && !(multiple && tag < deliveryTag));
  }

  /** The next frame on the channel has come, or the connection has ended. */
  async #answered(channel: PlayedChannel): Promise<void> {
    const { inbox } = channel.raw;
    try {
      inbox.putBack(await inbox.take('tx.commit-ok'));
    } catch (error) {
      if (this.#channels.has(channel.name)) throw error;
    }
  }

  async #reopen(channel: PlayedChannel, what: 'channel' | 'connection'): Promise<void> {
    const letter = channel.name[0]!;
    if (what === 'connection') {
      this.#clients.get(letter)!.drop();
      return this.#forget(letter);
    }
    channel.raw.send('channel.close', { replyCode: 200, replyText: 'bye' });
    for (;;) {
      const incoming = await channel.raw.inbox.take('channel.close-ok');
      if (incoming.name === 'channel.close-ok') break;
      channel.lines.push(shownFrame(incoming, this.#shorten));
    }
    await channel.raw.call('channel.open');
    channel.reset();
  }

  /** The lines of a step, when nothing changes any more. */
  async #settled(isEnd: boolean): Promise<string[]> {
    const startedAtMs = performance.now();
    // What the step said has been read, before anybody looks at queues.
    let isCalmNeeded = isEnd;
    for (const channel of [...this.#channels.values()]) if (await this.#ask(channel, [])) isCalmNeeded = true;
    let before = '';
    let sameSinceMs = startedAtMs;
    while (performance.now() - startedAtMs < DEADLINE_MS) {
      const sights = await this.#look();
      // A queue that is about to go must not be asked by the session's channels: the answer would close them.
      if (!isCalmNeeded || performance.now() - sameSinceMs > CALM_MS) await this.#askTwice(sights);
      const now = JSON.stringify([await this.#look(), [...this.#channels.values()].map(({ lines }) => lines)]);
      if (now !== before) sameSinceMs = performance.now();
      else if ((!isCalmNeeded || performance.now() - sameSinceMs > 2 * CALM_MS) && this.#isConfirmed()) return this.#takeLines(sights);
      before = now;
      if (isCalmNeeded || !this.#isConfirmed()) await passed(5);
    }
    throw new Error('the session does not settle');
  }

  #look(): Promise<readonly QueueSight[]> {
    return this.#scout.look([...this.#names.queues].map((name) => this.#named(name)));
  }

  #isConfirmed(): boolean {
    return ![...this.#channels.values()].some(({ awaitsConfirms }) => awaitsConfirms);
  }

  #takeLines(sights: readonly QueueSight[]): string[] {
    const lines = [...this.#connectionLines, ...[...this.#channels.values()].flatMap((channel) => channel.takeLines())];
    this.#connectionLines = [];
    const changed = sights.filter(({ name, state }) => this.#seen.get(name) !== state);
    for (const { name, state } of changed) this.#seen.set(name, state);
    return [...lines, ...changed.map(({ name, state }) => `${this.#shorten(name)} ${state}`)];
  }

  /** Twice: what a channel did to a queue may show on a channel that asked before. */
  async #askTwice(sights: readonly QueueSight[]): Promise<void> {
    for (let pass = 0; pass < 2; pass++) {
      for (const channel of [...this.#channels.values()]) {
        const seen = sights.filter(({ name, state }) => state !== 'gone' && (state !== 'locked' || this.#owners.get(name) === channel.name[0]));
        await this.#ask(channel, seen.map(({ name }) => name));
      }
    }
  }

  /** Everything that queues and the channel itself have sent so far comes in. Answers whether the broker has closed the channel meanwhile. */
  async #ask(channel: PlayedChannel, queues: readonly string[]): Promise<boolean> {
    const { raw } = channel;
    raw.send('channel.flow', { active: true });
    for (const queue of queues) raw.send('queue.declare', { queue, passive: true });
    let missing = queues.length;
    for (let isFlowing = false; !isFlowing || missing > 0; ) {
      let incoming;
      try {
        incoming = await raw.inbox.take(`the answers on ${channel.name}`, DEADLINE_MS);
      } catch (error) {
        // A hard error has closed the whole connection: the one who watches it has written it down.
        if (this.#channels.has(channel.name)) throw error;
        return true;
      }
      if (incoming.name === 'channel.flow-ok') isFlowing = true;
      else if (isFlowing && incoming.name === 'queue.declare-ok') missing--;
      else if (await channel.take(incoming)) {
        // The session's own mistakes are answered before the flow.
        if (isFlowing) throw new Disturbance(`${channel.name} was closed over a question of the player`);
        return true;
      }
    }
    return false;
  }

  async #channel(name: string): Promise<PlayedChannel> {
    const known = this.#channels.get(name);
    if (known !== undefined) return known;
    const letter = name[0]!;
    let client = this.#clients.get(letter);
    if (client === undefined) {
      client = await RawClient.connect(this.#broker);
      this.#clients.set(letter, client);
      void this.#watch(letter, client);
    }
    const channel = new PlayedChannel(name, await client.openChannel(Number(name.slice(1))), this.#shorten);
    this.#channels.set(name, channel);
    return channel;
  }

  /** A hard error ends the connection: shown, and the next step that needs the connection makes a new one. */
  async #watch(letter: string, client: RawClient): Promise<void> {
    try {
      const incoming = await client.connection.inbox.take('the end of a session', 0x7fff_ffff);
      this.#connectionLines.push(`${letter} ${shownFrame(incoming, this.#shorten)} ${String(fieldsOf(incoming)['replyText'])}`);
      client.drop();
      this.#forget(letter);
    } catch {
      // It was dropped.
    }
  }

  #forget(letter: string): void {
    this.#clients.delete(letter);
    for (const name of [...this.#channels.keys()]) if (name.startsWith(letter)) this.#channels.delete(name);
  }

  #note({ on, method, fields }: Extract<Step, { do: 'call' }>): void {
    if (method === 'queue.declare') {
      this.#names.queues.add(String(fields['queue']));
      if (fields['exclusive'] === true) this.#owners.set(this.#named(String(fields['queue'])), on[0]!);
    }
    if (method === 'exchange.declare') this.#names.exchanges.add(String(fields['exchange']));
  }

  #named(name: string): string {
    return name === '' || name.startsWith('amq.') ? name : this.#prefix + name;
  }

  readonly #shorten = (text: string): string => text.replaceAll(this.#prefix, '');

  #table(args: NonNullable<StepProperties['headers']>): Buffer {
    const isQueueKey = args['x-dead-letter-exchange']?.[1] === '';
    const isName = (name: string): boolean => NAME_ARGUMENTS.has(name) || (name === 'x-dead-letter-routing-key' && isQueueKey);
    const named = Object.entries(args).map(([name, value]) =>
      [name, isName(name) && value[0] === 'S' ? (['S', this.#named(value[1])] as const) : value] as const);
    return table(Object.fromEntries(named));
  }

  #properties({ headers, ...others }: StepProperties): RawProperties {
    return headers === undefined ? others : { ...others, headers: table(headers) };
  }

  async #end(): Promise<void> {
    for (const client of this.#clients.values()) client.drop();
    const named = (names: Iterable<string>): string[] => [...names].map((name) => this.#named(name));
    await this.#scout.sweep(named(this.#names.queues), named(this.#names.exchanges));
  }
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
