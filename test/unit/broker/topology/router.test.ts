import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VHOST, Writer, int, longstr, tableOf } from '../../../support/topology-fixture.ts';
import { RouteResult, addExtraRoutingKeys, route } from '../../../../src/broker/topology/router.ts';

const alternate = (name: string) => ({ arguments: tableOf({ 'alternate-exchange': longstr(name) }) });

function writerWith(queues: readonly string[]): Writer {
  const writer = new Writer();
  for (const name of queues) writer.must(writer.queue(name));
  return writer;
}

const router = suite('router');

router('each queue once, over exchanges bound in a cycle and several routing keys', () => {
  const writer = writerWith(['q', 'p']);
  for (const name of ['a', 'b']) writer.must(writer.exchange(name, 'fanout'));
  writer.must(writer.binding('exchange.bind', 'b', 'a'));
  writer.must(writer.binding('exchange.bind', 'a', 'b'));
  for (const name of ['a', 'b']) writer.must(writer.binding('queue.bind', 'q', name, name));
  writer.must(writer.binding('queue.bind', 'p', 'b'));
  assert.equal(writer.routed('a', ['k', 'l']), ['p', 'q']);
  assert.equal(writer.routed('', ['q', 'p', 'q', 'missing']), ['p', 'q']);
});

router('an alternate exchange gets what has no destination, through a chain and a cycle', () => {
  const writer = writerWith(['q', 'last']);
  writer.must(writer.exchange('a', 'direct', alternate('b')));
  writer.must(writer.exchange('b', 'direct', alternate('c')));
  writer.must(writer.exchange('c', 'direct', alternate('a')));
  writer.must(writer.binding('queue.bind', 'q', 'a', 'known'));
  assert.equal(writer.routed('a', 'known'), ['q']);
  assert.equal(writer.routed('a', 'unknown'), []);
  writer.must(writer.binding('queue.bind', 'last', 'c', 'unknown'));
  assert.equal(writer.routed('a', 'unknown'), ['last']);
  assert.equal(writer.routed('a', ['known', 'unknown']), ['q']);
});

router('a destination that leads nowhere is a destination; a missing or default alternate is none', () => {
  const writer = writerWith(['q']);
  writer.must(writer.exchange('alternate', 'fanout'));
  writer.must(writer.binding('queue.bind', 'q', 'alternate'));
  writer.must(writer.exchange('empty', 'fanout'));
  writer.must(writer.exchange('x', 'direct', alternate('alternate')));
  writer.must(writer.binding('exchange.bind', 'empty', 'x', 'k'));
  assert.equal(writer.routed('x', 'k'), []);
  assert.equal(writer.routed('x', 'other'), ['q']);
  writer.must(writer.exchange('lost', 'direct', alternate('missing')));
  assert.equal(writer.routed('lost', 'q'), []);
  writer.must(writer.exchange('bare', 'direct', alternate('')));
  assert.equal(writer.routed('bare', 'q'), []);
});

router('a result says whether headers played a part and is used again', () => {
  const writer = writerWith(['q']);
  writer.must(writer.exchange('x', 'fanout'));
  writer.must(writer.exchange('h', 'headers'));
  writer.must(writer.binding('exchange.bind', 'h', 'x'));
  const result = new RouteResult(() => 0);
  const send = (exchange: string, headers = tableOf({})): string[] => {
    const node = writer.topology.exchange(VHOST, exchange);
    assert.ok(node !== undefined);
    route(writer.topology, node, ['q'], { headers }, result);
    return result.queues.map(({ name }) => name);
  };
  assert.equal([send('x'), result.dependsOnMore], [[], false]);
  writer.must(writer.binding('queue.bind', 'q', 'h', '', { arguments: tableOf({ a: int(1) }) }));
  assert.equal([send('x', tableOf({ a: int(1) })), result.dependsOnMore], [['q'], true]);
  assert.equal([send('x', tableOf({ a: int(2) })), result.dependsOnMore], [[], true]);
  assert.equal([send(''), result.dependsOnMore], [['q'], false]);
});

router('the placed record is the one that is found', () => {
  const writer = writerWith(['q']);
  const id = writer.topology.queue(VHOST, 'q')?.record.id ?? 0;
  writer.must(writer.binding('queue.bind', 'q', 'amq.direct', 'k'));
  writer.must({ type: 'queue.place', id, thread: 3, slot: 4 });
  const result = new RouteResult(() => 0);
  const node = writer.topology.exchange(VHOST, 'amq.direct');
  assert.ok(node !== undefined);
  route(writer.topology, node, ['k'], {}, result);
  assert.equal([result.queues[0]?.thread, result.queues[0]?.slot], [3, 4]);
});

router('CC and BCC add routing keys; another type is refused, other items are passed over', () => {
  const keys = ['k'];
  const headers = tableOf({ CC: { type: 'A', value: [longstr('a'), int(1)] }, BCC: { type: 'A', value: [longstr('b')] } });
  assert.is(addExtraRoutingKeys(headers, keys), undefined);
  assert.equal(keys, ['k', 'a', 'b']);
  assert.is(
    addExtraRoutingKeys(tableOf({ CC: longstr('a') }), keys)?.text,
    'PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,"CC",longstr}',
  );
  const many = tableOf({ BCC: { type: 'A', value: Array.from({ length: 2000 }, () => longstr('a')) } });
  assert.is(addExtraRoutingKeys(many, ['k'])?.code, 406);
});

router.run();
