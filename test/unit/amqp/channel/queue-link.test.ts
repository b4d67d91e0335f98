import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BatchPool } from '../../../../actors/runtime/batch-pool.ts';
import { PUBLISH_WORDS, QueueLinks } from '../../../../src/amqp/channel/queue-link.ts';
import { EMPTY_TABLE } from '../../../../src/broker/field-table.ts';

const links = suite('queue links');
const queue = { id: 7, vhost: '/', name: 'q', durable: false, autoDelete: false, exclusiveOwner: 0, arguments: EMPTY_TABLE, thread: 1, slot: 1 };

links('a publish says whether an answer is wanted, whatever its sequence number', () => {
  const all = new QueueLinks(new BatchPool(), () => true);
  const link = all.to(queue);
  for (const sequence of [0, 1, 2 ** 32, 2 ** 32 + 1]) all.publish(link, 64, 3, sequence, 0);
  const { ints, count } = link.publishes;
  assert.is(count, 4 * PUBLISH_WORDS);
  assert.equal([0, 1, 2, 3].map((index) => ints![index * PUBLISH_WORDS + 3]), [0, 1, 1, 1]);
});

links.run();
