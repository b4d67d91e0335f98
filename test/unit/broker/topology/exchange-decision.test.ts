import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Writer, int, longstr, tableOf } from '../../../support/topology-fixture.ts';

const declare = suite('exchange.declare');

declare('every virtual host has the predeclared exchanges', () => {
  const writer = new Writer();
  const names = [...writer.topology.exchanges('/')].map(({ name, kind, internal, durable }) => `${name} ${kind} ${internal} ${durable}`);
  assert.equal(names, [
    ' direct false true',
    'amq.direct direct false true',
    'amq.fanout fanout false true',
    'amq.topic topic false true',
    'amq.headers headers false true',
    'amq.match headers false true',
    'amq.rabbitmq.trace topic true true',
  ]);
});

declare('an unknown type is refused even when the exchange exists', () => {
  const writer = new Writer();
  writer.must(writer.exchange('x', 'direct'));
  assert.is(writer.text(writer.exchange('x', 'odd')), "PRECONDITION_FAILED - unknown exchange type 'odd'");
  assert.is(writer.text(writer.exchange('', 'odd')), "PRECONDITION_FAILED - unknown exchange type 'odd'");
});

declare('the default exchange and reserved names', () => {
  const writer = new Writer();
  const guarded = 'ACCESS_REFUSED - operation not permitted on the default exchange';
  assert.is(writer.text(writer.exchange('', 'direct')), guarded);
  assert.is(writer.text(writer.exchange('', '', { passive: true })), guarded);
  assert.is(writer.text({ type: 'exchange.delete', who: writer.exchange('', '').who, exchange: '', ifUnused: false }), guarded);
  assert.is(writer.text(writer.exchange('amq.new', 'direct')), "ACCESS_REFUSED - exchange name 'amq.new' contains reserved prefix 'amq.*'");
  assert.is(writer.text(writer.exchange('amq.direct', 'direct')), 'ok');
  const deletion = { type: 'exchange.delete', who: writer.exchange('', '').who, exchange: 'amq.direct', ifUnused: false } as const;
  assert.is(writer.text(deletion), "ACCESS_REFUSED - deletion of system exchange 'amq.direct' in vhost '/' not allowed");
});

declare('a second declaration must agree, in this order', () => {
  const writer = new Writer();
  writer.must(writer.exchange('x', 'direct'));
  const inequivalent = (arg: string, received: string, current: string): string =>
    `PRECONDITION_FAILED - inequivalent arg '${arg}' for exchange 'x' in vhost '/': received ${received} but current is ${current}`;
  const different = { durable: false, autoDelete: true, internal: true, arguments: tableOf({ 'alternate-exchange': longstr('a') }) };
  assert.is(writer.text(writer.exchange('x', 'fanout', different)), inequivalent('type', "'fanout'", "'direct'"));
  assert.is(writer.text(writer.exchange('x', 'direct', different)), inequivalent('durable', "'false'", "'true'"));
  assert.is(writer.text(writer.exchange('x', 'direct', { ...different, durable: true })), inequivalent('auto_delete', "'true'", "'false'"));
  assert.is(
    writer.text(writer.exchange('x', 'direct', { internal: true, arguments: different.arguments })),
    inequivalent('internal', "'true'", "'false'"),
  );
  assert.is(
    writer.text(writer.exchange('x', 'direct', { arguments: different.arguments })),
    inequivalent('alternate-exchange', "the value 'a' of type 'longstr'", 'none'),
  );
  assert.is(writer.text(writer.exchange('x', 'direct', { arguments: tableOf({ other: int(1) }) })), 'ok');
});

declare('an alternate exchange is named by a longstr', () => {
  const writer = new Writer();
  assert.is(
    writer.text(writer.exchange('x', 'direct', { arguments: tableOf({ 'alternate-exchange': int(5) }) })),
    "PRECONDITION_FAILED - invalid type 'signedint' for arg 'alternate-exchange' in exchange 'x' in vhost '/'",
  );
});

declare.run();

const remove = suite('exchange.delete and bindings');
const drop = (writer: Writer, exchange: string, ifUnused = false) =>
  ({ type: 'exchange.delete', who: writer.exchange('', '').who, exchange, ifUnused }) as const;

remove('if-unused looks at bindings as source only', () => {
  const writer = new Writer();
  writer.must(writer.exchange('x', 'fanout'));
  writer.must(writer.exchange('y', 'fanout'));
  writer.must(writer.binding('exchange.bind', 'y', 'x'));
  assert.is(writer.text(drop(writer, 'x', true)), "PRECONDITION_FAILED - exchange 'x' in vhost '/' in use");
  assert.is(writer.text(drop(writer, 'y', true)), 'ok');
  assert.is(writer.topology.bindingCount, 0);
  assert.is(writer.text(drop(writer, 'missing', true)), 'ok');
});

remove('auto-delete runs up a chain and around a cycle', () => {
  const writer = new Writer();
  for (const name of ['a', 'b', 'c']) writer.must(writer.exchange(name, 'fanout', { autoDelete: true }));
  writer.must(writer.queue('q'));
  writer.must(writer.binding('exchange.bind', 'b', 'a'));
  writer.must(writer.binding('queue.bind', 'q', 'b'));
  writer.must(writer.binding('exchange.bind', 'c', 'b'));
  writer.must(writer.binding('exchange.bind', 'a', 'c'));
  writer.must(writer.queueDelete('q'));
  assert.is(writer.topology.bindingCount, 3);
  writer.must(writer.binding('exchange.unbind', 'a', 'c'));
  assert.is(writer.topology.bindingCount, 0);
  for (const name of ['a', 'b', 'c']) assert.is(writer.topology.exchange('/', name), undefined);
});

remove('an auto-delete exchange without bindings stays until it had one', () => {
  const writer = new Writer();
  writer.must(writer.exchange('x', 'direct', { autoDelete: true }));
  writer.must(writer.queue('q'));
  writer.must(writer.binding('queue.unbind', 'q', 'x', 'k'));
  assert.ok(writer.topology.exchange('/', 'x') !== undefined);
  writer.must(writer.binding('queue.bind', 'q', 'x', 'k'));
  writer.must(writer.binding('queue.unbind', 'q', 'x', 'k'));
  assert.is(writer.topology.exchange('/', 'x'), undefined);
});

remove('binding again changes nothing; arguments make another binding', () => {
  const writer = new Writer();
  writer.must(writer.queue('q'));
  assert.is(writer.must(writer.binding('queue.bind', 'q', 'amq.direct', 'k')).length, 1);
  assert.is(writer.must(writer.binding('queue.bind', 'q', 'amq.direct', 'k')).length, 0);
  assert.is(writer.must(writer.binding('queue.bind', 'q', 'amq.direct', 'k', { arguments: tableOf({ a: int(1) }) })).length, 1);
  assert.is(writer.topology.bindingCount, 2);
  writer.must(writer.binding('queue.unbind', 'q', 'amq.direct', 'k'));
  assert.equal(writer.routed('amq.direct', 'k'), ['q']);
});

remove('a binding is durable when both its ends are', () => {
  const writer = new Writer();
  writer.must(writer.queue('kept'));
  writer.must(writer.queue('lost', { durable: false }));
  writer.must(writer.binding('queue.bind', 'kept', 'amq.direct', 'k'));
  writer.must(writer.binding('queue.bind', 'lost', 'amq.direct', 'k'));
  assert.equal(
    [...writer.topology.bindings('/')].map(({ destination, durable }) => `${destination} ${durable}`),
    ['kept true', 'lost false'],
  );
});

remove('what is missing is named: the source first; unbinding it is fine', () => {
  const writer = new Writer();
  writer.must(writer.queue('q'));
  assert.is(writer.text(writer.binding('queue.bind', 'no', 'nox', 'k')), "NOT_FOUND - no exchange 'nox' in vhost '/'");
  assert.is(writer.text(writer.binding('queue.bind', 'no', 'amq.direct', 'k')), "NOT_FOUND - no queue 'no' in vhost '/'");
  assert.is(writer.text(writer.binding('exchange.bind', 'no', 'amq.direct', 'k')), "NOT_FOUND - no exchange 'no' in vhost '/'");
  assert.is(writer.text(writer.binding('queue.unbind', 'no', 'nox', 'k')), 'ok');
  const guarded = 'ACCESS_REFUSED - operation not permitted on the default exchange';
  for (const type of ['queue.bind', 'queue.unbind', 'exchange.bind'] as const) assert.is(writer.text(writer.binding(type, 'q', '', 'k')), guarded);
  assert.is(writer.text(writer.binding('exchange.bind', '', 'amq.direct', 'k')), guarded);
});

remove('a virtual host takes everything along', () => {
  const writer = new Writer();
  writer.must(writer.queue('q'));
  writer.must(writer.exchange('x', 'headers', { autoDelete: true }));
  writer.must(writer.binding('queue.bind', 'q', 'x'));
  writer.must({ type: 'vhost.delete', name: '/' });
  const { topology } = writer;
  assert.equal([topology.queueCount, topology.exchangeCount, topology.bindingCount, topology.vhostCount], [0, 0, 0, 0]);
  assert.is(topology.access.permission('guest', '/'), undefined);
  assert.is(writer.text(writer.queue('q')), 'NOT_ALLOWED - vhost / not found');
});

remove('names of object properties are names like others', () => {
  const writer = new Writer();
  for (const name of ['__proto__', 'constructor', 'toString']) {
    assert.is(writer.text(writer.queue(name, { passive: true })), `NOT_FOUND - no queue '${name}' in vhost '/'`);
    writer.must(writer.queue(name));
    writer.must(writer.exchange(name, 'direct', { arguments: tableOf({ [name]: longstr(name) }) }));
    writer.must(writer.binding('queue.bind', name, name, name));
    assert.equal(writer.routed(name, name), [name]);
    assert.equal(writer.routed('', name), [name]);
  }
});

remove.run();
