import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WHO, Writer, bool, int, longstr, tableOf } from '../../../support/topology-fixture.ts';
import { readQueueOptions } from '../../../../src/broker/queue-options.ts';
import type { FieldValue } from '../../../../src/broker/field-table.ts';

const OTHER = { ...WHO, connection: 2 };
const IN_Q = "for queue 'q' in vhost '/'";
const LOCKED =
  "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'q' in vhost '/'. It could be originally declared on another " +
  'connection or the exclusive property value does not match that of the original declaration.';

const declare = suite('queue.declare');

declare('creates once and answers the same queue again', () => {
  const writer = new Writer();
  const first = writer.send(writer.queue('q', { thread: 2, slot: 7 }));
  const again = writer.send(writer.queue('q', { thread: 1, slot: 9 }));
  assert.ok('reply' in first && first.reply.type === 'queue-declared' && first.reply.created);
  assert.ok('reply' in again && again.reply.type === 'queue-declared' && !again.reply.created && again.events.length === 0);
  assert.equal([again.reply.queue.thread, again.reply.queue.slot], [2, 7]);
  assert.is(writer.topology.queueById(again.reply.queue.id)?.record.name, 'q');
});

declare('the broker names a queue without a name', () => {
  const writer = new Writer();
  const decision = writer.send(writer.queue('', { randomPart: 'AbC' }));
  assert.ok('reply' in decision && decision.reply.type === 'queue-declared');
  assert.is(decision.reply.queue.name, 'amq.gen-AbC');
});

declare('line ends are taken out of names, reserved names are refused', () => {
  const writer = new Writer();
  writer.must(writer.queue('a\r\nb'));
  assert.ok(writer.topology.queue('/', 'ab') !== undefined);
  assert.is(writer.text(writer.queue('amq.x')), "ACCESS_REFUSED - queue name 'amq.x' contains reserved prefix 'amq.*'");
  writer.must(writer.queue('', { randomPart: 'r' }));
  assert.is(writer.text(writer.queue('amq.gen-r')), "ACCESS_REFUSED - queue name 'amq.gen-r' contains reserved prefix 'amq.*'");
  assert.is(writer.text(writer.queue('amq.gen-r', { passive: true })), 'ok');
});

declare('a passive one finds or answers 404', () => {
  const writer = new Writer();
  assert.is(writer.text(writer.queue('q', { passive: true })), "NOT_FOUND - no queue 'q' in vhost '/'");
  writer.must(writer.queue('q'));
  assert.is(writer.text(writer.queue('q', { passive: true, durable: false, arguments: tableOf({ 'x-expires': int(0) }) })), 'ok');
});

declare('an exclusive queue is locked for other connections and never durable', () => {
  const writer = new Writer();
  writer.must(writer.queue('q', { exclusive: true }));
  assert.is(writer.topology.queue('/', 'q')?.record.durable, false);
  assert.is(writer.text(writer.queue('q', { exclusive: true })), 'ok');
  for (const command of [
    writer.queue('q'),
    writer.queue('q', { exclusive: true, who: OTHER }),
    writer.queue('q', { passive: true, who: OTHER }),
    writer.queueDelete('q', { who: OTHER }),
    writer.binding('queue.bind', 'q', 'amq.direct', 'k', { who: OTHER }),
  ]) {
    assert.is(writer.text(command), LOCKED, command.type);
  }
});

declare('the end of a connection takes its exclusive queues along, no others', () => {
  const writer = new Writer();
  writer.must(writer.queue('mine', { exclusive: true }));
  writer.must(writer.queue('theirs', { exclusive: true, who: OTHER }));
  writer.must(writer.queue('shared'));
  writer.must(writer.binding('queue.bind', 'mine', 'amq.fanout'));
  writer.must({ type: 'connection.end', connection: 1 });
  assert.equal([...writer.topology.queues('/')].map(({ name }) => name).sort(), ['shared', 'theirs']);
  assert.is(writer.topology.bindingCount, 0);
});

const INEQUIVALENT: readonly (readonly [string, Parameters<Writer['queue']>[1], string])[] = [
  ['durable', { durable: false, arguments: tableOf({ 'x-message-ttl': int(10) }) }, "'durable' FOR: received 'false' but current is 'true'"],
  ['auto_delete', { autoDelete: true }, "'auto_delete' FOR: received 'true' but current is 'false'"],
  ['missing', {}, "'x-message-ttl' FOR: received none but current is the value '10' of type 'signedint'"],
  ['value', { arguments: tableOf({ 'x-message-ttl': int(20) }) }, "'x-message-ttl' FOR: received '20' but current is '10'"],
  [
    'added',
    { arguments: tableOf({ 'x-message-ttl': int(10), 'x-dead-letter-exchange': longstr('d') }) },
    "'x-dead-letter-exchange' FOR: received the value 'd' of type 'longstr' but current is none",
  ],
];

for (const [what, over, text] of INEQUIVALENT) {
  declare(`a second declaration must agree: ${what}`, () => {
    const writer = new Writer();
    writer.must(writer.queue('q', { arguments: tableOf({ 'x-message-ttl': int(10) }) }));
    assert.is(writer.text(writer.queue('q', over)), `PRECONDITION_FAILED - inequivalent arg ${text.replace('FOR', IN_Q)}`);
  });
}

declare('widths of numbers, the type classic and unknown arguments do not matter', () => {
  const writer = new Writer();
  writer.must(writer.queue('q', { arguments: tableOf({ 'x-message-ttl': int(10) }) }));
  const again = tableOf({ 'x-message-ttl': { type: 'l', value: 10n }, 'x-queue-type': longstr('classic'), foo: int(1) });
  assert.is(writer.text(writer.queue('q', { arguments: again })), 'ok');
});

const INVALID: readonly (readonly [Readonly<Record<string, FieldValue>>, string])[] = [
  [{ 'x-expires': int(0) }, `invalid arg 'x-expires' ${IN_Q}: {value_zero,0}`],
  [{ 'x-expires': longstr('a') }, `invalid arg 'x-expires' ${IN_Q}: "expected integer, got longstr"`],
  [{ 'x-message-ttl': int(-5) }, `invalid arg 'x-message-ttl' ${IN_Q}: {value_negative,-5}`],
  [{ 'x-message-ttl': { type: 'l', value: 315_360_000_001n } }, `invalid arg 'x-message-ttl' ${IN_Q}: {value_too_large,315360000001}`],
  [{ 'x-dead-letter-routing-key': longstr('a') }, `invalid arg 'x-dead-letter-routing-key' ${IN_Q}: routing_key_but_no_dlx_defined`],
  [{ 'x-dead-letter-exchange': int(5) }, "invalid type 'signedint' for arg 'x-dead-letter-exchange' in queue 'q' in vhost '/'"],
  [{ 'x-max-length': int(-1) }, `invalid arg 'x-max-length' ${IN_Q}: {value_negative,-1}`],
  [{ 'x-max-priority': int(256) }, `invalid arg 'x-max-priority' ${IN_Q}: {max_value_exceeded,256}`],
  [{ 'x-overflow': longstr('bad') }, `invalid arg 'x-overflow' ${IN_Q}: invalid_overflow`],
  [{ 'x-overflow': int(1) }, `invalid arg 'x-overflow' ${IN_Q}: {unacceptable_type,signedint}`],
  [{ 'x-queue-mode': longstr('bad') }, `invalid arg 'x-queue-mode' ${IN_Q}: "unsupported queue mode 'bad'"`],
  [{ 'x-queue-version': int(3) }, `invalid arg 'x-queue-version' ${IN_Q}: "unsupported queue version '3'"`],
  [{ 'x-single-active-consumer': longstr('yes') }, `invalid arg 'x-single-active-consumer' ${IN_Q}: {unacceptable_type,longstr}`],
  [{ 'x-queue-type': longstr('odd') }, `invalid arg 'x-queue-type' ${IN_Q}: "unsupported queue type 'odd'"`],
  [{ 'x-max-age': longstr('1h') }, `invalid arg 'x-max-age' ${IN_Q} of queue type rabbit_classic_queue`],
  [{ 'x-queue-type': longstr('quorum'), 'x-max-priority': int(3) }, `invalid arg 'x-max-priority' ${IN_Q} of queue type rabbit_quorum_queue`],
];

for (const [args, text] of INVALID) {
  declare(`refuses ${text}`, () => {
    const writer = new Writer();
    assert.is(writer.text(writer.queue('q', { arguments: tableOf(args) })), `PRECONDITION_FAILED - ${text}`);
    assert.is(writer.topology.queueCount, 0);
  });
}

declare('a quorum queue is durable, nobody owns it, and it has a name', () => {
  const writer = new Writer();
  const quorum = { arguments: tableOf({ 'x-queue-type': longstr('quorum') }) };
  const invalid = (property: string): string => `PRECONDITION_FAILED - invalid property '${property}' ${IN_Q}`;
  assert.is(writer.text(writer.queue('q', { ...quorum, autoDelete: true })), invalid('auto-delete'));
  assert.is(writer.text(writer.queue('q', { ...quorum, exclusive: true })), invalid('exclusive-owner'));
  assert.is(writer.text(writer.queue('q', { ...quorum, durable: false })), invalid('non-durable'));
  assert.is(writer.text(writer.queue('', quorum)), 'PRECONDITION_FAILED - Cannot declare a server-named queue for type rabbit_quorum_queue');
  assert.is(writer.text(writer.queue('q', quorum)), 'ok');
  assert.ok(writer.text(writer.queueDelete('q', { ifUnused: true })).startsWith("NOT_IMPLEMENTED - cannot delete queue 'q' in vhost '/'."));
});

declare('a virtual host may say of which type its queues are', () => {
  const writer = new Writer();
  writer.must({ type: 'vhost.set', vhost: { name: '/', queueCountMax: -1, defaultQueueType: 'quorum' } });
  assert.is(writer.text(writer.queue('q')), 'ok');
  assert.is(readQueueOptions(writer.topology.queue('/', 'q')!.record.arguments).type, 'quorum');
  assert.is(writer.text(writer.queue('q')), 'ok', 'the same again');
  assert.is(writer.text(writer.queue('q', { arguments: tableOf({ 'x-queue-type': longstr('quorum') }) })), 'ok');
  assert.ok(writer.text(writer.queue('q', { arguments: tableOf({ 'x-queue-type': longstr('classic') }) })).includes('inequivalent'));
  for (const fields of [{ durable: false }, { exclusive: true }, { autoDelete: true }]) {
    const name = JSON.stringify(fields);
    assert.is(writer.text(writer.queue(name, fields)), 'ok', `${name} cannot be a quorum queue, and is a classic one`);
    assert.is(writer.topology.queue('/', name)?.record.arguments.size, 0);
  }
  assert.is(writer.text(writer.queue('c', { arguments: tableOf({ 'x-queue-type': longstr('classic') }) })), 'ok');
  assert.is(writer.text(writer.queue('')), 'PRECONDITION_FAILED - Cannot declare a server-named queue for type rabbit_quorum_queue');
});

declare('the limit of a virtual host counts new queues only', () => {
  const writer = new Writer();
  writer.must({ type: 'vhost.set', vhost: { name: '/', queueCountMax: 1 } });
  writer.must(writer.queue('q'));
  assert.is(writer.text(writer.queue('q')), 'ok');
  assert.is(writer.text(writer.queue('p')), "PRECONDITION_FAILED - cannot declare queue 'p': queue limit in vhost '/' (1) is reached");
});

declare('options are read once into numbers and words', () => {
  const options = readQueueOptions(
    tableOf({ 'x-message-ttl': int(5), 'x-max-length': { type: 'l', value: 1n << 62n }, 'x-max-priority': int(9), 'x-single-active-consumer': bool(true) }),
  );
  assert.is(options.messageTtlMs, 5);
  assert.is(options.maxLength, Number.MAX_SAFE_INTEGER);
  assert.is(options.maxPriority, 9);
  assert.is(options.singleActiveConsumer, true);
  assert.is(options.overflow, 'drop-head');
  assert.is(options.deadLetterExchange, undefined);
});

declare.run();

const remove = suite('queue.delete');

remove('of a queue that is not there is fine', () => {
  assert.is(new Writer().text(new Writer().queueDelete('q')), 'ok');
});

remove('asks for facts before it looks at the conditions', () => {
  const writer = new Writer();
  writer.must(writer.queue('q'));
  const both = { ifUnused: true, ifEmpty: true };
  const decision = writer.send(writer.queueDelete('q', both));
  assert.ok('reply' in decision && decision.reply.type === 'facts-wanted');
  const facts = (readyCount: number, consumerCount: number): string => writer.text(writer.queueDelete('q', { ...both, facts: { readyCount, consumerCount } }));
  assert.is(facts(1, 1), "PRECONDITION_FAILED - queue 'q' in vhost '/' not empty");
  assert.is(facts(0, 1), "PRECONDITION_FAILED - queue 'q' in vhost '/' in use");
  assert.is(writer.topology.queueCount, 1);
  assert.is(facts(0, 0), 'ok');
  assert.is(writer.topology.queueCount, 0);
});

remove('a queue that vanishes may be gone already', () => {
  const writer = new Writer();
  writer.must(writer.queue('q'));
  const id = writer.topology.queue('/', 'q')?.record.id ?? 0;
  assert.is(writer.must({ type: 'queue.vanish', id }).length, 1);
  assert.is(writer.must({ type: 'queue.vanish', id }).length, 0);
});

remove('ids are not given twice', () => {
  const writer = new Writer();
  writer.must(writer.queue('q'));
  const id = writer.topology.queue('/', 'q')?.record.id ?? 0;
  writer.must(writer.queueDelete('q'));
  writer.must(writer.queue('q'));
  assert.is(writer.topology.queue('/', 'q')?.record.id, id + 1);
});

remove.run();
