import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Asked, Requests } from '../../../../actors/connection/requests.ts';

const asked = (id: number): Asked => ({ queue: { id } as Asked['queue'], question: { type: 'status' }, then: () => {} });

const requests = suite('requests');

requests('wait for questions and for others, not for what goes on in the background', () => {
  const all = new Requests();
  const background = all.background(asked(1));
  assert.not(all.waiting);
  const question = all.question(asked(2));
  assert.ok(all.waiting);
  assert.is(all.takeQuestion(question)?.queue.id, 2);
  assert.not(all.waiting);
  const other = all.other(() => {});
  assert.ok(all.waiting);
  assert.type(all.takeOther(other), 'function');
  assert.not(all.waiting);
  assert.is(all.takeQuestion(background)?.queue.id, 1);
});

requests('are answered once', () => {
  const all = new Requests();
  const question = all.question(asked(1));
  assert.ok(all.takeQuestion(question) !== undefined);
  assert.is(all.takeQuestion(question), undefined);
  assert.is(all.takeOther(question), undefined);
});

requests('never have the number 0, which asks for no answer, and find the questions to a queue', () => {
  const all = new Requests();
  const numbers = [1, 2, 1].map((queue) => all.question(asked(queue)));
  assert.ok(numbers.every((number) => number > 0));
  assert.is(new Set(numbers).size, 3);
  assert.equal(all.questions(({ queue }) => queue.id === 1).map(([number]) => number), [numbers[0], numbers[2]]);
});

requests.run();
