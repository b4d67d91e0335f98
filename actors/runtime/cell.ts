import type { Actor, ActorFactory } from './actor.ts';
import type { ActorGroup } from './actor-group.ts';
import { Mailbox } from './mailbox.ts';
import type { ActorRef } from './letter.ts';

/** The place of an actor on its thread: what stays when one incarnation crashes and the next comes. */
export class Cell {
  readonly id: number;
  readonly group: ActorGroup;
  readonly factory: ActorFactory;
  readonly mailbox = new Mailbox();
  self: ActorRef;
  actor: Actor | undefined = undefined;
  /** It stands in the line of those that have something to read. */
  lined = false;
  /** It has crashed too often and stays down: what comes for it goes to nobody. */
  down = false;
  /** It was asked to end after the letter in hand. */
  endReason: string | undefined = undefined;
  /** Letters read, over all incarnations: fault points count them. */
  turns = 0;

  constructor(id: number, self: ActorRef, group: ActorGroup, factory: ActorFactory) {
    this.id = id;
    this.self = self;
    this.group = group;
    this.factory = factory;
  }
}
