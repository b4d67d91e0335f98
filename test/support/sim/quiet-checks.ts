/** What must be true of a node on which nothing moves, whatever happened before. Answers in sentences. */
import {
  ACCEPTED,
  CONSUMER_COUNT,
  DROPPED,
  QUEUE_ID,
  READY_COUNT,
  SETTLED,
  SLOT_WORDS,
  UNSETTLED_COUNT,
} from '../../../src/broker/queue/ledger-layout.ts';
import { isTimeline } from '../../../src/broker/exchange/delayed-exchange.ts';
import { ConsumingRole } from './consuming-role.ts';
import type { SimClient } from './sim-client.ts';
import type { SimNode } from './sim-node.ts';
import { STABLE_QUEUES } from './sim-queue.ts';

/** Every queue runs, and its numbers add up. */
export function* queueFaults(node: SimNode): Iterable<string> {
  const word = wordsOf(node);
  for (const queue of node.queues()) {
    const { name, slot, id } = queue;
    if (word(slot, QUEUE_ID) !== id) yield `${name} does not run`;
    // What is held back is counted on the disk.
    if (isTimeline(queue)) continue;
    const [ready, unsettled] = [word(slot, READY_COUNT), word(slot, UNSETTLED_COUNT)];
    const [accepted, settled, dropped] = [word(slot, ACCEPTED), word(slot, SETTLED), word(slot, DROPPED)];
    if (((ready + unsettled + settled + dropped - accepted) | 0) !== 0) {
      yield `${name} accepted ${accepted}: ${ready} ready, ${unsettled} unsettled, ${settled} settled, ${dropped} dropped`;
    }
  }
}

/** Every answer came. */
export function* waitingFaults(clients: readonly SimClient[]): Iterable<string> {
  for (const { role, refusal } of clients) {
    if (role?.waiting !== undefined) yield `${role.name} waits in vain for ${role.waiting}`;
    if (refusal !== undefined) yield `${role?.name} was refused: ${refusal}`;
  }
}

/** Every subscription is known once, and no message waits while one of them has room. */
export function* feedingFaults(node: SimNode, clients: readonly SimClient[]): Iterable<string> {
  const word = wordsOf(node);
  const roles = clients.map(({ role }) => role).filter((role) => role instanceof ConsumingRole);
  for (const { name, slot } of node.queues()) {
    if (!STABLE_QUEUES.some((queue) => queue.name === name)) continue;
    const subscribed = roles.filter((role) => role.subscribed && role.queue.name === name).length;
    const known = word(slot, CONSUMER_COUNT);
    if (known !== subscribed) yield `${name} knows ${known} consumers, there are ${subscribed}`;
  }
  for (const role of roles) {
    if (!role.hungry || role.queue.single) continue;
    const queue = [...node.queues()].find(({ name }) => name === role.queue.name);
    if (queue === undefined) continue;
    const ready = word(queue.slot, READY_COUNT);
    if (ready > 0) yield `${role.name} has room and ${queue.name} has ${ready} messages ready for ${word(queue.slot, CONSUMER_COUNT)} consumers`;
  }
}

/** No connection is there any more. */
export function* closingFaults(node: SimNode, clients: readonly SimClient[]): Iterable<string> {
  const word = wordsOf(node);
  for (const { role, state } of clients) if (state !== 'closed') yield `the connection of ${role?.name} stays ${state}`;
  for (const { name, slot } of node.queues()) {
    const unsettled = word(slot, UNSETTLED_COUNT);
    if (unsettled !== 0) yield `${name} has ${unsettled} unsettled messages and no connection`;
  }
}

/** Every queue is deleted. */
export function* slotFaults(node: SimNode): Iterable<string> {
  const word = wordsOf(node);
  for (let slot = 1; slot < node.slots.length / SLOT_WORDS; slot++) {
    if (word(slot, QUEUE_ID) !== 0) yield `slot ${slot} is still that of queue ${word(slot, QUEUE_ID)}`;
  }
}

function wordsOf({ slots }: SimNode): (slot: number, word: number) => number {
  return (slot, word) => slots[slot * SLOT_WORDS + word]!;
}
