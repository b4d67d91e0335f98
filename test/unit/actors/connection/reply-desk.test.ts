import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectionId } from '../../../../actors/connection/connection-id.ts';
import { ReplyDesk } from '../../../../actors/connection/reply-desk.ts';
import { ConnectionLetter } from '../../../../actors/messages/connection-messages.ts';
import type { ActorContext } from '../../../../actors/runtime/actor.ts';
import type { ActorRef, Letter } from '../../../../actors/runtime/letter.ts';
import type { ThreadNode } from '../../../../actors/thread/thread-node.ts';

function desk(thread: number, serial: number) {
  const told: { readonly to: ActorRef; readonly letter: Letter }[] = [];
  const released: number[] = [];
  const self = { thread, id: connectionId(thread, serial), generation: 1 };
  const context = { self, tell: (to: ActorRef, letter: Letter) => told.push({ to, letter }) } as unknown as ActorContext;
  const node = {
    randomBytes: (size: number) => Buffer.alloc(size, serial + 1),
    messages: { release: (address: number) => released.push(address) },
  } as unknown as ThreadNode;
  return { desk: new ReplyDesk(node, context), self, told, released };
}

const replies = suite('reply desk');

replies('sends a reply to the connection that the token names, which knows it', () => {
  const asker = desk(2, 5);
  const answerer = desk(1, 7);
  const token = asker.desk.token(33);
  answerer.desk.send(token, 1234);
  const [{ to, letter }] = answerer.told as [{ to: ActorRef; letter: Letter }];
  assert.equal(to, { thread: 2, id: asker.self.id, generation: 0 });
  assert.equal([letter.type, letter.a, letter.b], [ConnectionLetter.reply, 33, 1234]);
  assert.ok(asker.desk.knows(letter));
  assert.not(answerer.desk.knows(letter), 'a connection that gave out no token knows none');
  answerer.desk.token(1);
  assert.not(answerer.desk.knows(letter), 'another connection has another secret');
});

replies('ends the lease of a reply to nobody', () => {
  const { desk: sender, told, released } = desk(1, 7);
  const secret = 'A'.repeat(22);
  const nobody = ['', 'x', `1.2`, `1.2.${'A'.repeat(21)}`, `99999999999.1.${secret}`, `2147483648.1.${secret}`, `-1.2.${secret}`, `1.2.${secret}\n`];
  for (const [address, token] of nobody.entries()) sender.send(token, address + 1);
  assert.equal(told, []);
  assert.equal(released, nobody.map((_, address) => address + 1));
});

replies('asks nobody when the token names nobody, and has its answer', () => {
  const { desk: prober, self, told } = desk(1, 7);
  prober.probe('no token', 9);
  assert.is(told.length, 1);
  const { to, letter } = told[0]!;
  assert.equal(to, self);
  assert.equal([letter.type, letter.a, letter.b], [ConnectionLetter.probed, 9, 0]);
});

replies.run();
