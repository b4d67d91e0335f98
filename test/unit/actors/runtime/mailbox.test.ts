import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Lane, Mailbox } from '../../../../actors/runtime/mailbox.ts';
import { Letter } from '../../../../actors/runtime/letter.ts';

const mailbox = suite('mailbox');

mailbox('gives the letters of a lane in order, however many wait', () => {
  const lane = new Lane();
  const letters = Array.from({ length: 5000 }, (_, type) => new Letter(type));
  let next = 0;
  for (const letter of letters) {
    lane.push(letter);
    if (letter.type % 3 === 0) assert.is(lane.shift(), letters[next++]);
  }
  assert.is(lane.size, letters.length - next);
  while (lane.size > 0) assert.is(lane.shift(), letters[next++]);
  assert.is(next, letters.length);
  assert.is(lane.shift(), undefined);
});

mailbox('gives control before data, and counts the letter in hand', () => {
  const box = new Mailbox();
  const data = new Letter(0x200);
  const control = new Letter(1);
  box.data.push(data);
  box.control.push(control);
  assert.is(box.next(), control);
  box.inHand = control;
  assert.is(box.size, 2);
  assert.is(box.next(), data);
  assert.is(box.size, 1);
});

mailbox.run();
