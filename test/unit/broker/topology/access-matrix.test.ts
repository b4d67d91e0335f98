import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { USER, WHO, Writer, longstr, tableOf } from '../../../support/topology-fixture.ts';
import { checkVhostAccess, openExchange, openQueue, permitTopics } from '../../../../src/broker/topology/access.ts';
import type { Permission } from '../../../../src/broker/permission.ts';

/** What each command asks for: `permission kind name`, all of them, in the order in which a refusal names them. */
const NEEDS: readonly (readonly [string, (writer: Writer) => string, readonly string[]])[] = [
  ['exchange.declare', (w) => w.text(w.exchange('new', 'direct')), ['configure exchange new']],
  [
    'exchange.declare with alternate-exchange',
    (w) => w.text(w.exchange('new', 'direct', { arguments: tableOf({ 'alternate-exchange': longstr('ae') }) })),
    ['configure exchange new', 'read exchange new', 'write exchange ae'],
  ],
  ['exchange.delete', (w) => w.text({ type: 'exchange.delete', who: WHO, exchange: 'x', ifUnused: false }), ['configure exchange x']],
  ['exchange.bind', (w) => w.text(w.binding('exchange.bind', 'y', 'x')), ['write exchange y', 'read exchange x']],
  ['exchange.unbind', (w) => w.text(w.binding('exchange.unbind', 'y', 'x')), ['write exchange y', 'read exchange x']],
  ['queue.declare', (w) => w.text(w.queue('new')), ['configure queue new']],
  ['queue.declare of an existing one', (w) => w.text(w.queue('q')), ['configure queue q']],
  ['queue.declare, server-named', (w) => w.text(w.queue('', { randomPart: 'r' })), ['configure queue amq.gen-r']],
  [
    'queue.declare with x-dead-letter-exchange',
    (w) => w.text(w.queue('new', { arguments: tableOf({ 'x-dead-letter-exchange': longstr('dlx') }) })),
    ['configure queue new', 'read queue new', 'write exchange dlx'],
  ],
  ['queue.delete', (w) => w.text(w.queueDelete('q')), ['configure queue q']],
  ['queue.bind', (w) => w.text(w.binding('queue.bind', 'q', 'x')), ['write queue q', 'read exchange x']],
  ['queue.unbind', (w) => w.text(w.binding('queue.unbind', 'q', 'x')), ['write queue q', 'read exchange x']],
  ['basic.consume, basic.get and queue.purge', (w) => opened(openQueue(w.topology, WHO, 'q')), ['read queue q']],
  ['basic.publish', (w) => opened(openExchange(w.topology, WHO, 'x')), ['write exchange x']],
  ['basic.publish to the default exchange', (w) => opened(openExchange(w.topology, WHO, '')), ['write exchange amq.default']],
];

/** What a passive declare asks for: any one of the three. */
const PASSIVE: readonly (readonly [string, (writer: Writer) => string, string])[] = [
  ['queue', (w) => w.text(w.queue('q', { passive: true })), 'q'],
  ['exchange', (w) => w.text(w.exchange('x', '', { passive: true })), 'x'],
  ['queue', (w) => w.text(w.queue('missing', { passive: true })), 'missing'],
];

function opened(outcome: object): string {
  return 'refusal' in outcome ? (outcome.refusal as { text: string }).text : 'ok';
}

/** A writer in which the things of the matrix exist and the user has exactly these permissions. */
function writerWith(granted: readonly string[]): Writer {
  const writer = new Writer();
  writer.must(writer.queue('q'));
  for (const name of ['x', 'y']) writer.must(writer.exchange(name, 'direct'));
  const names = (permission: Permission): string =>
    granted.flatMap((entry) => (entry.startsWith(`${permission} `) ? [entry.split(' ')[2] ?? ''] : [])).join('|');
  const pattern = (permission: Permission): string => (names(permission) === '' ? '' : `^(${names(permission).replaceAll('.', '\\.')})$`);
  writer.must({
    type: 'permission.set',
    permission: { user: USER, vhost: '/', configure: pattern('configure'), write: pattern('write'), read: pattern('read') },
  });
  return writer;
}

const matrix = suite('who may do what');

for (const [what, send, needs] of NEEDS) {
  matrix(`${what} needs ${needs.join(', ')}`, () => {
    assert.is(send(writerWith(needs)), 'ok');
    needs.forEach((need, index) => {
      const [permission, kind, name] = need.split(' ');
      const text = `ACCESS_REFUSED - ${permission} access to ${kind} '${name}' in vhost '/' refused for user 'guest'`;
      // Without this one, and with every later one missing too: the earlier refusal is the one that is seen.
      assert.is(send(writerWith(needs.filter((other) => other !== need))), text);
      assert.is(send(writerWith(needs.slice(0, index))), text);
    });
    // The two other permissions on everything do not stand in for the one that is needed.
    const verbs: readonly Permission[] = ['configure', 'write', 'read'];
    const first = needs[0]?.split(' ')[0];
    const wrong = verbs.filter((verb) => verb !== first).flatMap((verb) => needs.map((need) => `${verb} ${need.split(' ').slice(1).join(' ')}`));
    assert.ok(send(writerWith(wrong)).startsWith('ACCESS_REFUSED'));
  });
}

for (const [kind, send, name] of PASSIVE) {
  matrix(`a passive declare of ${kind} '${name}' needs any permission`, () => {
    const refusal = `ACCESS_REFUSED - configure access to ${kind} '${name}' in vhost '/' refused for user 'guest'`;
    assert.is(send(writerWith([])), refusal);
    assert.is(send(writerWith(['configure queue other', 'write queue other', 'read queue other'])), refusal);
    for (const permission of ['configure', 'write', 'read']) {
      assert.is(send(writerWith([`${permission} ${kind} ${name}`])), name === 'missing' ? "NOT_FOUND - no queue 'missing' in vhost '/'" : 'ok');
    }
  });
}

matrix('a refused command changes nothing', () => {
  for (const [, send] of NEEDS) {
    const writer = writerWith([]);
    const { version } = writer.topology;
    send(writer);
    assert.is(writer.topology.version, version);
  }
});

matrix('patterns are searched, not anchored; the empty one is the empty name', () => {
  const writer = new Writer();
  writer.must({ type: 'permission.set', permission: { user: USER, vhost: '/', configure: 'logs', write: '', read: '^$' } });
  assert.is(writer.text(writer.queue('my-logs-1')), 'ok');
  assert.ok(writer.text(writer.queue('my-log-1')).startsWith('ACCESS_REFUSED'));
  assert.ok(opened(openExchange(writer.topology, WHO, '')).startsWith("ACCESS_REFUSED - write access to exchange 'amq.default'"));
});

matrix('a pattern that is no regular expression is not stored', () => {
  const writer = new Writer();
  const text = writer.text({ type: 'permission.set', permission: { user: USER, vhost: '/', configure: '(', write: '', read: '' } });
  assert.is(text, "PRECONDITION_FAILED - not a regular expression: '('");
});

matrix('topic permissions apply to topic exchanges and take the variables literally', () => {
  const writer = new Writer();
  const who = { ...WHO, user: '.*' };
  writer.must({ type: 'user.set', user: { name: '.*', passwordHash: '', hashingAlgorithm: '', tags: [] } });
  writer.must({ type: 'permission.set', permission: { user: '.*', vhost: '/', configure: '.*', write: '.*', read: '.*' } });
  writer.must({ type: 'topic-permission.set', permission: { user: '.*', vhost: '/', exchange: 'amq.topic', write: '^{username}\\.', read: '^in\\.' } });
  writer.must(writer.queue('q'));
  const topic = writer.topology.exchange('/', 'amq.topic');
  const direct = writer.topology.exchange('/', 'amq.direct');
  assert.ok(topic !== undefined && direct !== undefined);
  assert.is(permitTopics(writer.topology, who, topic, ['.*.a']), undefined);
  assert.is(permitTopics(writer.topology, who, direct, ['x.a']), undefined);
  assert.equal(permitTopics(writer.topology, who, topic, ['.*.a', 'x.a'])?.text, "ACCESS_REFUSED - write access to topic 'x.a' in exchange 'amq.topic' in vhost '/' refused for user '.*'");
  assert.is(
    writer.text(writer.binding('queue.bind', 'q', 'amq.topic', 'out.#', { who })),
    "ACCESS_REFUSED - read access to topic 'out.#' in exchange 'amq.topic' in vhost '/' refused for user '.*'",
  );
  assert.is(writer.text(writer.binding('queue.bind', 'q', 'amq.topic', 'in.#', { who })), 'ok');
});

matrix('an internal exchange takes no message, a missing one is 404', () => {
  const writer = new Writer();
  const outcome = (name: string): string => opened(openExchange(writer.topology, WHO, name));
  assert.is(outcome('amq.rabbitmq.trace'), "ACCESS_REFUSED - cannot publish to internal exchange 'amq.rabbitmq.trace' in vhost '/'");
  assert.is(outcome('nox'), "NOT_FOUND - no exchange 'nox' in vhost '/'");
});

matrix('a connection needs a virtual host that is there and a permission for it', () => {
  const writer = new Writer();
  writer.must({ type: 'vhost.set', vhost: { name: 'v', queueCountMax: -1 } });
  assert.is(checkVhostAccess(writer.topology, USER, '/'), undefined);
  assert.is(checkVhostAccess(writer.topology, USER, 'no')?.text, 'NOT_ALLOWED - vhost no not found');
  assert.is(checkVhostAccess(writer.topology, USER, 'v')?.text, "NOT_ALLOWED - access to vhost 'v' refused for user 'guest'");
});

matrix('a deleted user may do nothing any more', () => {
  const writer = new Writer();
  writer.must({ type: 'user.delete', name: USER });
  assert.ok(writer.text(writer.queue('q')).startsWith('ACCESS_REFUSED'));
});

matrix.run();
