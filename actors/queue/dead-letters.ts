/**
 * Makes and sends the dead letters of one queue, and buries the messages that died when their letters are safe.
 *
 * ```
 *   Dying --take--> record in shared memory --`publish`--> queues of the dead-letter exchange
 *     ^                                                       | `confirmed`, from them or from the store
 *     '--- lost with a thread: take back                      '--> bury: the store is told of the settle, in a later commit
 * ```
 *
 * A message leaves its queue when every queue that its letter was routed to has it: on the device where both are durable, else in memory. So
 * at any moment one of the two is there (I16); a crash in between makes the letter twice. A queue that refuses (full, or down for good) has answered: that letter is gone, as RabbitMQ's at-most-once
 * dead-lettering has it.
 *
 * Letters carry an epoch where publishes of a connection carry the channel: answers to letters of an incarnation that is gone, or that were
 * given up with a lost thread, are nobody's.
 */
import { sendPublishes } from '../messages/batch-letters.ts';
import { QueueLetter } from '../messages/queue-messages.ts';
import type { ActorContext } from '../runtime/actor.ts';
import { Letter } from '../runtime/letter.ts';
import { PUBLISH_WORDS, PublishMark, type QueueLink } from '../../src/amqp/channel/queue-link.ts';
import { blindKeysAt } from '../../src/amqp/blind-keys.ts';
import { DeadLetterRecord } from '../../src/amqp/dead-letter-record.ts';
import { encodeTable } from '../../src/amqp/field-table-codec.ts';
import { propertiesOf } from '../../src/amqp/message-properties.ts';
import { notePublished } from '../../src/amqp/message-times.ts';
import { BLIND, FLAGS, KEY_SIZE, type MessageMemory, RECORD_HEAD_SIZE } from '../../src/amqp/stored-message.ts';
import { type Death, deadLetterHeaders, firstDeathHeaders, isDeathCycle } from '../../src/broker/dead-letter.ts';
import { EMPTY_TABLE } from '../../src/broker/field-table.ts';
import type { DropReason } from '../../src/broker/queue/dying.ts';
import type { QueueMachine } from '../../src/broker/queue/queue-machine.ts';
import { addExtraRoutingKeys } from '../../src/broker/topology/router.ts';
import { CopiesUnderWay } from './copies-under-way.ts';
import { type DeadLetterSetting, type DeadRoute, DeadRoutes, type Targets } from './dead-routes.ts';

/** Letters that one turn makes. */
const TURN_LETTERS_MAX = 4096;
/** How long a letter that found no memory waits for the next attempt, milliseconds. */
const RETRY_MS = 20;
export const DEAD_LETTER_TIMER = 6;
/** Octets of the size in front of a table. */
const TABLE_SIZE_SIZE = 4;
/** Epochs of one incarnation; more threads are not lost in its life. */
const EPOCHS = 1 << 12;

export class DeadLetters {
  readonly #context: ActorContext;
  readonly #setting: DeadLetterSetting;
  readonly #machine: QueueMachine;
  readonly #memory: MessageMemory;
  readonly #nowMs: () => number;
  readonly #routes: DeadRoutes;
  readonly #record: DeadLetterRecord;
  readonly #copies: CopiesUnderWay;
  #epoch: number;
  #seconds = 0;
  #nowMsOfTurn = 0;

  constructor(context: ActorContext, setting: DeadLetterSetting, machine: QueueMachine, nowMs: () => number) {
    this.#context = context;
    this.#setting = setting;
    this.#machine = machine;
    this.#memory = setting.memory;
    this.#nowMs = nowMs;
    this.#routes = new DeadRoutes(setting);
    this.#record = new DeadLetterRecord(setting.memory, setting.draft);
    this.#copies = new CopiesUnderWay((position) => machine.dying!.bury(position));
    this.#epoch = Math.imul(context.self.generation, EPOCHS);
    // What an incarnation that crashed had made and not sent: its messages are still dying.
    setting.draft.giveBack(setting.memory);
    setting.links.flush((link) => this.#giveBack(link));
  }

  #giveBack({ publishes }: QueueLink): void {
    for (let at = 0; at < publishes.count; at += PUBLISH_WORDS) this.#memory.release(publishes.ints![at]!);
    publishes.clear();
  }

  /** At the end of a turn: sends what there is, within the window. */
  send(): void {
    const dying = this.#machine.dying!;
    if (dying.waiting > 0) {
      this.#lookAtClock();
      let budget = TURN_LETTERS_MAX;
      while (dying.waiting > 0 && !this.#copies.isFull && budget-- > 0) {
        const position = dying.next;
        const address = this.#machine.contents.address(position);
        if (address === 0) break;
        if (!this.#letterOf(address, position, dying.reasonOf(position))) {
          this.#context.armTimer(DEAD_LETTER_TIMER, RETRY_MS);
          break;
        }
      }
      if (budget < 0) this.#context.tell(this.#context.self, new Letter(QueueLetter.goOn));
    }
    this.#setting.links.flush(this.#sendLink);
  }

  #lookAtClock(): void {
    this.#nowMsOfTurn = this.#nowMs();
    this.#seconds = Math.floor(this.#nowMsOfTurn / 1000);
  }

  readonly #sendLink = (link: QueueLink): void => sendPublishes(this.#context, link);

  /** The next of the dying. Answers false, and nothing has happened, when there is no memory for its letter. */
  #letterOf(address: number, position: number, reason: DropReason): boolean {
    const marks = this.#machine.dying!.isRepeated(position) ? PublishMark.redelivered : 0;
    const links = this.#write(address, reason, this.#copies.next, marks);
    if (links < 0) return false;
    this.#machine.dying!.take();
    if (links > 0) this.#copies.add(position, links, this.#record.sizeBytes);
    else this.#machine.dying!.bury(position);
    return true;
  }

  /** A message that the queue does not take (x-overflow reject-publish-dlx): nobody waits for its letter. */
  refused(address: number, repeated: boolean): void {
    this.#lookAtClock();
    this.#write(address, 'maxlen', 0, repeated ? PublishMark.redelivered : 0);
  }

  /** Writes the letter of a message and hands it to its links, under a number and with these marks (PublishMark). Answers how many these are; -1: no memory. */
  #write(address: number, reason: DropReason, sequence: number, marks: number): number {
    const memory = this.#memory;
    const record = memory.byteOffsetOf(address);
    const ints = memory.intsOf(address);
    const keySize = ints[(record >> 2) + KEY_SIZE]!;
    const isBlind = (ints[(record >> 2) + FLAGS]! & BLIND) !== 0;
    const route = this.#routes.find(memory.bytesOf(address), record + RECORD_HEAD_SIZE, keySize);
    this.#record.look(address);
    if (!this.#record.header.plain || route.dependsOnMore || isBlind) return this.#writeChanged(address, route, reason, sequence, marks);
    const targets = reason === 'rejected' ? route.rejected : route.others;
    if (targets.links.length === 0) return 0;
    return this.#publish(this.#record.withFields(route.key, this.#fieldsOf(route, reason), targets.links.length), targets, sequence, marks);
  }

  /** The fields that a first death adds, which are the same for one key and second. */
  #fieldsOf(route: DeadRoute, reason: DropReason): Buffer {
    const { expiration } = this.#record.header;
    if (!route.hasFieldsOf(reason, this.#seconds, expiration)) {
      const headers = firstDeathHeaders(this.#death(reason, route.exchange, [route.routingKey], expiration));
      route.keep(encodeTable(headers).subarray(TABLE_SIZE_SIZE), reason, this.#seconds, expiration);
    }
    return route.fields;
  }

  #death(reason: DropReason, exchange: string, routingKeys: readonly string[], expiration: string | undefined): Death {
    return { reason, queue: this.#setting.queue.name, exchange, routingKeys, timeSeconds: this.#seconds, expiration };
  }

  /** The letter of a message that died before, has further routing keys, or goes where more than its key decides. */
  #writeChanged(address: number, route: DeadRoute, reason: DropReason, sequence: number, marks: number): number {
    const known = propertiesOf(this.#memory, address);
    // Thousands of headers, and it dies once more: nobody could read the letter.
    if (known === undefined) return 0;
    const { expiration, ...properties } = known;
    const before = properties.headers ?? EMPTY_TABLE;
    const keys = [route.routingKey];
    // What is no list was refused when the message was published.
    addExtraRoutingKeys(before, keys);
    const ownKey = this.#setting.routingKey;
    const headers = deadLetterHeaders(before, this.#death(reason, route.exchange, keys, expiration), ownKey === undefined);
    const changed = { ...properties, headers };
    const wanted = ownKey === undefined ? [...keys, ...blindKeysAt(this.#memory, address)] : [ownKey];
    const targets = this.#routes.compute(wanted, changed, ({ name }) => !isDeathCycle(name, headers));
    if (targets.links.length === 0) return 0;
    const letter = this.#record.withProperties(route.key, changed, targets.links.length, ownKey === undefined);
    return this.#publish(letter, targets, sequence, marks);
  }

  #publish(address: number, { links, timed }: Targets, sequence: number, marks: number): number {
    if (address === 0) return -1;
    if (timed) notePublished(this.#memory, address, this.#nowMsOfTurn);
    for (const link of links) {
      this.#setting.links.publish(link, address, this.#epoch, sequence, marks);
      this.#setting.draft.handOver();
    }
    return links.length;
  }

  /** `confirmed`, words: | epoch | first sequence | count | 1 refused |. */
  confirmed({ ints, count }: Letter): void {
    for (let at = 0; at < count; at += 4) if (ints[at] === this.#epoch) this.#copies.answered(ints[at + 1]!, ints[at + 2]!);
  }

  /** A thread is lost, perhaps with letters that it had taken in and not answered for: what still waits is sent once more. */
  threadLost(): void {
    this.#epoch++;
    this.#machine.dying!.takeBack(this.#copies.forget());
  }
}
