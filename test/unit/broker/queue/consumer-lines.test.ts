import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Consumer, ConsumerSpec } from '../../../../src/broker/queue/consumer.ts';
import { Consumers } from '../../../../src/broker/queue/consumers.ts';

const test = suite('lines of consumers');

function spec(key: number, priority = 0, exclusive = false): ConsumerSpec {
  return { thread: 1, connection: 1, generation: 1, channel: 1, key, tag: `c${key}`, noAck: false, exclusive, priority, prefetch: 1, order: 0 };
}

/** Who stands in lines, in the order in which it is their turn. */
function turns(consumers: Consumers): number[] {
  const keys: number[] = [];
  for (let line = consumers.line(); line?.first !== undefined; line = consumers.line()) {
    keys.push(line.first.spec.key);
    line.shift();
  }
  return keys;
}

function joined(consumers: Consumers, ...specs: readonly ConsumerSpec[]): Consumer[] {
  return specs.map((each) => {
    const consumer = consumers.add(each);
    consumers.lineUp(consumer);
    return consumer;
  });
}

for (const leaving of [0, 1, 2, 3]) {
  test(`number ${leaving} of four leaves, the others keep their order`, () => {
    const consumers = new Consumers(false);
    const four = joined(consumers, spec(1), spec(2), spec(3), spec(4));
    consumers.remove(four[leaving]!);
    joined(consumers, spec(5));
    assert.equal(turns(consumers), [1, 2, 3, 4, 5].filter((key) => key !== leaving + 1));
  });
}

test('one that leaves after others had their turn', () => {
  const consumers = new Consumers(false);
  const [, second, third] = joined(consumers, spec(1), spec(2), spec(3));
  consumers.line()!.shift();
  consumers.remove(second!);
  consumers.remove(third!);
  joined(consumers, spec(4));
  assert.equal(turns(consumers), [4]);
});

test('priorities in whatever order they come, the highest first', () => {
  const consumers = new Consumers(false);
  joined(consumers, spec(1, 5), spec(2, -7), spec(3, 2 ** 31 - 1), spec(4, 0), spec(5, 5), spec(6, -(2 ** 31)));
  assert.equal(turns(consumers), [3, 1, 5, 4, 2, 6]);
});

test('a priority that nobody has any more costs nothing, and can come back', () => {
  const consumers = new Consumers(false);
  for (let priority = 0; priority < 20_000; priority++) {
    const [passing] = joined(consumers, spec(1, priority));
    consumers.remove(passing!);
  }
  joined(consumers, spec(2, 3), spec(3, 20_000), spec(4, 3));
  assert.equal(turns(consumers), [3, 2, 4]);
  assert.is(consumers.count, 3);
});

test('an exclusive consumer is one until it has gone, once', () => {
  const consumers = new Consumers(false);
  const [alone] = joined(consumers, spec(1, 0, true));
  assert.ok(consumers.hasExclusive);
  consumers.remove(alone!);
  consumers.remove(alone!);
  assert.not(consumers.hasExclusive);
  joined(consumers, spec(2, 0, true));
  assert.ok(consumers.hasExclusive);
});

test.run();
