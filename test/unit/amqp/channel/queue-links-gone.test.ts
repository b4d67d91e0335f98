import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BatchPool } from '../../../../actors/runtime/batch-pool.ts';
import { QueueLinks } from '../../../../src/amqp/channel/queue-link.ts';
import { Settle } from '../../../../src/broker/queue/queue-machine.ts';
import type { QueueRecord } from '../../../../src/broker/topology/topology-records.ts';

const test = suite('links to queues that are gone');

function queue(id: number): QueueRecord {
  return {
    id,
    vhost: '/',
    name: `q${id}`,
    durable: false,
    autoDelete: false,
    exclusiveOwner: 0,
    arguments: new Map(),
    thread: 1,
    slot: id,
  };
}

test('a connection that answers ten thousand passing clients keeps links to those that are there', () => {
  const living = new Set<number>();
  const links = new QueueLinks(new BatchPool(), ({ id }) => living.has(id));
  for (let id = 1; id <= 10_000; id++) {
    living.add(id);
    living.delete(id - 10);
    links.publish(links.to(queue(id)), 1, 1, 0, 0);
    links.flush((link) => link.publishes.clear());
  }
  assert.ok(links.all().length <= 1024 + 10, `${links.all().length} links`);
  for (const id of living) assert.is(links.find(id)?.queue.id, id);
});

test('what is watched or has something to say is kept', () => {
  const links = new QueueLinks(new BatchPool(), () => false);
  links.to(queue(1)).watched = true;
  const speaking = links.to(queue(2));
  links.settle(speaking, 5, Settle.ack);
  for (let id = 3; id < 3_000; id++) links.to(queue(id));
  assert.is(links.find(1)?.queue.id, 1);
  assert.is(links.find(2), speaking);
  assert.ok(links.all().length < 1_100);
});

test('a settle of a delivery of a deleted queue goes nowhere, and does no harm', () => {
  const links = new QueueLinks(new BatchPool());
  const { number } = links.to(queue(7));
  const other = links.to(queue(8));
  links.drop(7);
  links.settle(links.byNumber(number), 1, Settle.ack);
  const told: number[] = [];
  links.flush((link) => told.push(link.queue.id));
  assert.equal(told, [7]);
  assert.is(links.byNumber(other.number), other);
});

test.run();
