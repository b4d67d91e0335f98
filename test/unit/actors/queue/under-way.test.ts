import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UNDER_WAY_BYTES_MAX, UnderWay } from '../../../../actors/queue/under-way.ts';

const test = suite('what is under way to the store');
/** So that a hundred fill it, with what each message costs beside its body. */
const BODY_BYTES = UNDER_WAY_BYTES_MAX / 100 - 256;
/** Before the positions wrap. */
const FIRST = 2 ** 31 - 50;

function filled(): UnderWay {
  const underWay = new UnderWay();
  for (let each = 0; each < 100; each++) {
    assert.not.ok(underWay.isFull);
    underWay.add((FIRST + each) | 0, BODY_BYTES);
  }
  assert.ok(underWay.isFull);
  return underWay;
}

test('a part that is stored makes room', () => {
  const underWay = filled();
  underWay.stored((FIRST + 50) | 0);
  assert.not.ok(underWay.isFull);
  let more = 0;
  for (; !underWay.isFull; more++) underWay.add((FIRST + 100 + more) | 0, BODY_BYTES);
  assert.ok(more > 45 && more <= 50, `${more} instead of the 50 that are stored`);
  underWay.stored((FIRST + 100 + more) | 0);
  for (let each = 0; each < 99; each++) underWay.add(each, BODY_BYTES);
  assert.not.ok(underWay.isFull, 'nothing of what is stored is counted any more');
});

test('what was stored before makes none', () => {
  const underWay = filled();
  underWay.stored(FIRST);
  assert.ok(underWay.isFull);
});

test('messages without a body count too', () => {
  const underWay = new UnderWay();
  let count = 0;
  for (; !underWay.isFull; count++) underWay.add(count, 0);
  assert.is(count, UNDER_WAY_BYTES_MAX / 256);
});

test.run();
