import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TakenQueue } from '../../../../actors/connection/taken-queue.ts';
import type { MessageMemory } from '../../../../src/amqp/stored-message.ts';

const taken = suite('taken queue');

function queue(): { readonly held: TakenQueue; readonly released: number[] } {
  const released: number[] = [];
  const memory = { release: (address: number) => released.push(address) } as unknown as MessageMemory;
  return { held: new TakenQueue(memory), released };
}

taken('ends a lease when the socket has taken the last byte before it', () => {
  const { held, released } = queue();
  held.hold([1, 2], 100);
  held.taken(40);
  held.hold([3], 90);
  held.taken(59);
  assert.equal(released, []);
  held.taken(1);
  assert.equal(released, [1, 2]);
  held.taken(30);
  assert.equal(released, [1, 2, 3]);
});

taken('ends the rest once when the socket is gone', () => {
  const { held, released } = queue();
  held.hold([1], 10);
  held.hold([2], 20);
  held.taken(10);
  held.releaseAll();
  held.releaseAll();
  assert.equal(released, [1, 2]);
});

taken.run();
