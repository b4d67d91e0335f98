import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { QUEUE_SLOTS_MAX } from '../../../../src/broker/queue/ledger-layout.ts';
import { placeQueues } from '../../../../src/broker/topology/queue-placement.ts';
import { Topology } from '../../../../src/broker/topology/topology.ts';
import type { TopologyEvent } from '../../../../src/broker/topology/topology-event.ts';
import { VHOST, Writer } from '../../../support/topology-fixture.ts';

const placement = suite('queue placement');

placement('deals threads in turn and slots without gaps, and changes nothing else', () => {
  const writer = new Writer();
  for (const name of ['a', 'b', 'c']) writer.must(writer.queue(name, { thread: 9, slot: 50 }));
  writer.must(writer.binding('queue.bind', 'b', 'amq.fanout'));
  const events = [...writer.topology.snapshot()];
  const placed = placeQueues(events, 2);
  const queues = placed.flatMap((event) => (event.type === 'queue-created' ? [event.queue] : []));
  assert.equal(
    queues.map(({ name, thread, slot }) => [name, thread, slot]),
    [
      ['a', 1, 1],
      ['b', 2, 2],
      ['c', 1, 3],
    ],
  );
  assert.equal(
    placed.filter(({ type }) => type !== 'queue-created'),
    events.filter(({ type }) => type !== 'queue-created'),
  );
  assert.equal(Topology.restore(placed, 1).queue(VHOST, 'b')?.record.id, writer.topology.queue(VHOST, 'b')?.record.id);
});

placement('refuses more queues than there are slots', () => {
  const writer = new Writer();
  const [created] = writer.must(writer.queue('a'));
  const many = (count: number): TopologyEvent[] => new Array<TopologyEvent>(count).fill(created!);
  assert.is(placeQueues(many(QUEUE_SLOTS_MAX - 1), 3).length, QUEUE_SLOTS_MAX - 1);
  assert.throws(() => placeQueues(many(QUEUE_SLOTS_MAX), 3), /more queues than this node can hold/);
});

placement.run();
