/**
 * What a client that has logged in may do to its broker and to others: the rules S7, S8, S9, S12 and S23, and the bounds of
 * what one connection holds. Against a whole node without sockets.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ANNOUNCED_BODIES_MAX } from '../../src/amqp/bounds.ts';
import { CONSUMERS_PER_CHANNEL_MAX } from '../../src/amqp/channel/consuming.ts';
import { TRANSACTION_STEPS_MAX } from '../../src/amqp/channel/transaction.ts';
import { STRANGERS_OF_THREAD_MAX } from '../../src/main/thread-actors.ts';
import { LocalClient } from '../support/hostile/local-client.ts';
import { LocalNode } from '../support/hostile/local-node.ts';
import { PROTOCOL_HEADER, body, header, method, publish } from '../support/hostile/recorded-sessions.ts';
import { type RawValue, table } from '../support/raw-table.ts';

const MIB = 1024 * 1024;
/** What a connection may owe a client that reads nothing, bytes: 64 MiB and what one turn adds. */
const UNREAD_BYTES_MAX = 80 * MIB;
const LONG_NAME = 'q'.repeat(250);

type Scene = { node: LocalNode; client: LocalClient };

const test = suite<Scene>('hostile client');

test.before.each((scene) => {
  scene.node = new LocalNode();
  scene.client = LocalClient.open(scene.node);
});

/** A test that ends with a look at what is left behind: nothing. */
function rule(name: string, body: (scene: Scene) => void): void {
  test(name, (scene) => {
    body(scene);
    const { node, client } = scene;
    client.leave();
    node.sweep();
    node.clear();
    assert.equal(node.crashes, []);
    assert.equal(node.held, { blocks: 0, leasesInOpenBlock: 0 });
    assert.is(node.pool.lentCount, 0);
  });
}

function ready(node: LocalNode, queue: string): number {
  const other = LocalClient.open(node);
  const { messageCount } = other.call(1, 'queue.declare', { queue, passive: true }, 'queue.declare-ok');
  other.leave();
  return messageCount;
}

// ---- S7

rule('S7: patterns full of wildcards cost a publish no more than a walk', ({ node, client }) => {
  client.send(method(1, 'queue.declare', { queue: 'q' }));
  const words = ['#', '*', 'a', '#.#', '*.#', '#.*.#', 'a.#'];
  for (let index = 0; index < 10_000; index++) {
    const routingKey = Array.from({ length: 3 + (index % 20) }, (_, place) => words[(index * 7 + place * (1 + (index % 5))) % words.length]).join('.');
    client.send(method(1, 'queue.bind', { queue: 'q', exchange: 'amq.topic', routingKey, nowait: true }));
  }
  const key = (round: number): string => Array.from({ length: 60 }, (_, place) => (place % 7 === round % 7 ? 'b' : 'a')).join('.');
  // Processor time: the machine's pauses are not in it.
  const before = process.cpuUsage();
  for (let round = 0; round < 20; round++) client.send(...publish(1, 'amq.topic', `${key(round)}.${round}`, [Buffer.from('m')]));
  const { user, system } = process.cpuUsage(before);
  const perPublishMs = (user + system) / 1000 / 20;
  assert.is(ready(node, 'q'), 20);
  // Trying each way through 20 wildcards would take years.
  assert.ok(perPublishMs < 100, `${perPublishMs.toFixed(1)} ms for one publish`);
});

// ---- S8

rule('S8: numbers in arguments have bounds', ({ client }) => {
  const refused: Record<string, RawValue>[] = [
    { 'x-max-priority': ['I', 256] },
    { 'x-max-priority': ['l', 2n ** 62n] },
    { 'x-max-priority': ['I', -1] },
    { 'x-expires': ['l', 2n ** 62n] },
    { 'x-expires': ['I', 0] },
    { 'x-message-ttl': ['l', 2n ** 62n] },
    { 'x-message-ttl': ['I', -1] },
    { 'x-max-length': ['I', -1] },
    { 'x-max-length-bytes': ['l', -(2n ** 63n)] },
    { 'x-max-length': ['S', '10'] },
    { 'x-overflow': ['S', '__proto__'] },
    { 'x-dead-letter-exchange': ['I', 1] },
    { 'x-single-active-consumer': ['S', 'true'] },
    { 'x-queue-type': ['S', 'constructor'] },
  ];
  for (const args of refused) {
    const closed = client.refused(method(1, 'queue.declare', { queue: 'q', arguments: table(args) }));
    assert.is(closed?.code, 406, JSON.stringify(Object.keys(args)));
    client.send(method(1, 'channel.close-ok'), method(1, 'channel.open'));
  }
});

rule('S8: a consumer with the strangest priority is served', ({ client }) => {
  client.send(method(1, 'queue.declare', { queue: 'q' }), ...publish(1, '', 'q', [Buffer.from('m')]));
  client.answers();
  const priority: RawValue = ['l', -(2n ** 63n)];
  client.send(method(1, 'basic.consume', { queue: 'q', noAck: true, arguments: table({ 'x-priority': priority }) }));
  assert.equal(client.names(), ['basic.consume-ok', 'basic.deliver']);
});

// ---- S9

for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'then']) {
  rule(`S9: '${name}' is a name like any other`, ({ client }) => {
    client.call(1, 'queue.declare', { queue: name }, 'queue.declare-ok');
    client.call(1, 'exchange.declare', { exchange: name, type: 'topic' }, 'exchange.declare-ok');
    client.call(1, 'queue.bind', { queue: name, exchange: name, routingKey: name, arguments: table({ [name]: ['S', name] }) }, 'queue.bind-ok');
    client.call(1, 'queue.bind', { queue: name, exchange: 'amq.headers', arguments: table({ [name]: ['S', name] }) }, 'queue.bind-ok');
    assert.is(client.call(1, 'basic.consume', { queue: name, consumerTag: name, noAck: true }, 'basic.consume-ok').consumerTag, name);
    client.send(...publish(1, name, name, [Buffer.from('m')], { headers: table({ [name]: ['F', { [name]: ['t', true] }] }), type: name }));
    assert.equal(client.names(), ['basic.deliver']);
    client.send(...publish(1, 'amq.headers', '', [Buffer.from('m')], { headers: table({ [name]: ['S', name] }) }));
    assert.equal(client.names(), ['basic.deliver']);
    client.send(...publish(1, 'amq.headers', '', [Buffer.from('m')], { headers: table({ other: ['S', name] }) }));
    assert.equal(client.names(), []);
    assert.is(client.call(1, 'basic.cancel', { consumerTag: name }, 'basic.cancel-ok').consumerTag, name);
    client.call(1, 'queue.delete', { queue: name }, 'queue.delete-ok');
  });

  rule(`S9: nothing is found under '${name}' that nobody made`, ({ client }) => {
    assert.is(client.refused(method(1, 'queue.declare', { queue: name, passive: true }))?.code, 404);
    client.send(method(1, 'channel.close-ok'), method(1, 'channel.open'));
    assert.is(client.refused(...publish(1, name, 'k'))?.code, 404);
    client.send(method(1, 'channel.close-ok'), method(1, 'channel.open'));
    assert.is(client.refused(method(1, 'exchange.declare', { exchange: 'e', type: name }))?.code, 406);
    client.send(method(1, 'channel.close-ok'), method(1, 'channel.open'));
  });
}

// ---- S12

/** The name under which a client waits for replies, taken from a request as its server sees it. */
function replyName(client: LocalClient): string {
  client.send(
    method(1, 'queue.declare', { queue: 'requests' }),
    method(1, 'basic.consume', { queue: 'amq.rabbitmq.reply-to', consumerTag: 'r', noAck: true }),
    ...publish(1, '', 'requests', [Buffer.from('?')], { replyTo: 'amq.rabbitmq.reply-to' }),
    method(1, 'basic.get', { queue: 'requests', noAck: true }),
  );
  const bytes = Buffer.concat(client.transport.received).toString('latin1');
  const found = /amq\.rabbitmq\.reply-to\.[0-9]+\.[0-9]+\.[A-Za-z0-9_-]{22}/.exec(bytes)?.[0];
  if (found === undefined) throw new Error('no reply name was seen');
  client.answers();
  return found;
}

rule('S12: a reply address whose secret is wrong reaches nobody, and nothing is lost by it', ({ node, client }) => {
  const name = replyName(client);
  const other = LocalClient.open(node);
  const [prefix, connection, key, secret] = [name.slice(0, 22), ...name.slice(22).split('.')] as [string, string, string, string];
  const flipped = `${secret.startsWith('A') ? 'B' : 'A'}${secret.slice(1)}`;
  const wrong = [
    `${connection}.${key}.${flipped}`,
    `${connection}.${Number(key) + 1}.${secret}`,
    `${Number(connection) + 1}.${key}.${secret}`,
    ...['0', '1', '2', '3', '16', '16777215', '16777217', '33554448', '2147483647', '4294967295', '9999999999'].map((each) => `${each}.${key}.${secret}`),
    `${connection}.${key}`,
    `${connection}.0.${secret}`,
    '',
    '..',
    '-1.1.AAAAAAAAAAAAAAAAAAAAAA',
    'x'.repeat(200),
  ];
  for (const each of wrong) {
    other.send(...publish(1, '', `${prefix}${each}`, [Buffer.from('stolen')]));
    const closed = other.refused(method(1, 'queue.declare', { queue: `${prefix}${each}`, passive: true }));
    assert.is(closed?.code, 404, each);
    other.send(method(1, 'channel.close-ok'), method(1, 'channel.open'));
    assert.is(other.refused(method(1, 'queue.declare', { queue: `${prefix}${each}` }))?.code ?? 404, 404, each);
    other.send(method(1, 'channel.close-ok'), method(1, 'channel.open'));
  }
  assert.equal(client.names(), []);
  other.send(...publish(1, '', name, [Buffer.from('answer')]));
  assert.equal(client.names(), ['basic.deliver']);
  other.leave();
});

rule('S12: a reply address can neither be bound, nor consumed from, nor routed to by an exchange', ({ node, client }) => {
  const name = replyName(client);
  const other = LocalClient.open(node);
  for (const queue of [name, 'amq.rabbitmq.reply-to']) {
    for (const attempt of [
      method(1, 'queue.bind', { queue, exchange: 'amq.fanout' }),
      method(1, 'queue.purge', { queue }),
      method(1, 'basic.get', { queue }),
    ]) {
      const closed = other.refused(attempt);
      assert.ok(closed?.code === 404 || closed?.code === 403, `${queue}: ${closed?.code}`);
      other.send(method(1, 'channel.close-ok'), method(1, 'channel.open'));
    }
  }
  assert.is(other.refused(method(1, 'basic.consume', { queue: name, noAck: true }))?.code, 404);
  other.send(method(1, 'channel.close-ok'), method(1, 'channel.open'));
  other.send(...publish(1, 'amq.fanout', name, [Buffer.from('m')]), ...publish(1, 'amq.topic', name, [Buffer.from('m')]));
  const headers = table({ CC: ['A', Array.from({ length: 1000 }, (): RawValue => ['S', name])] });
  other.send(...publish(1, 'amq.direct', 'k', [Buffer.from('m')], { headers }));
  assert.equal(client.names(), []);
  other.leave();
});

rule('S12: two connections have two secrets', ({ node, client }) => {
  const other = LocalClient.open(node);
  const secretOf = (name: string): string => name.slice(-22);
  assert.is.not(secretOf(replyName(client)), secretOf(replyName(other)));
  other.leave();
});

rule('replies to a client that reads none are dropped when they are too many', ({ node, client }) => {
  const name = replyName(client);
  client.transport.reads = false;
  const other = LocalClient.open(node);
  const reply = Buffer.concat(publish(1, '', name, [Buffer.alloc(100_000)]));
  for (let sent = 0; sent < 1_500; sent++) other.send(reply);
  const { unsentBytes } = client.transport.outbound;
  assert.ok(unsentBytes > MIB && unsentBytes < UNREAD_BYTES_MAX, `${unsentBytes} bytes are unsent`);
  assert.is(other.transport.closed, undefined);
  other.leave();
});

// ---- S23

rule('S23: hostile headers are answered at the channel and never harm a queue', ({ node, client }) => {
  client.send(method(1, 'queue.declare', { queue: 'q' }));
  const binding = { 'x-match': ['S', 'any'], list: ['A', []], inner: ['F', {}], nothing: ['V'], number: ['d', 1] } as const;
  client.call(1, 'queue.bind', { queue: 'q', exchange: 'amq.headers', arguments: table(binding) }, 'queue.bind-ok');
  const taken: Record<string, RawValue>[] = [
    { list: ['A', []] },
    { inner: ['F', {}] },
    { inner: ['F', { deep: ['A', [['F', {}]]] }] },
    { nothing: ['V'] },
    { number: ['D', 255, 0xffff_ffff] },
    { 'x-death': ['A', []] },
    { 'x-death': ['A', [['I', 1]]] },
    { 'x-death': ['S', 'no list'] },
    { 'x-match': ['I', 1] },
    { '': ['S', ''] },
    { CC: ['A', [['I', 1], ['F', {}], ['V'], ['A', []]]] },
    { BCC: ['A', []] },
  ];
  for (const headers of taken) client.send(...publish(1, 'amq.headers', '', [Buffer.from('m')], { headers: table(headers) }));
  assert.equal(client.answers().closes, []);
  for (const headers of [{ CC: ['S', 'q'] }, { BCC: ['I', 1] }, { CC: ['V'] }, { BCC: ['F', {}] }, { CC: ['A', Array.from({ length: 2_000 }, () => ['S', 'q'])] }] as Record<string, RawValue>[]) {
    const closed = client.refused(...publish(1, '', 'q', [Buffer.from('m')], { headers: table(headers) }));
    assert.is(closed?.code, 406, JSON.stringify(Object.keys(headers)));
    client.send(method(1, 'channel.close-ok'), method(1, 'channel.open'));
  }
  client.send(...publish(1, '', 'q', [Buffer.from('after')]));
  assert.ok(ready(node, 'q') > 0);
});

// ---- what one connection may hold

rule('a thread takes so many strangers and no more, and others again when they have gone', ({ node, client }) => {
  const strangers = Array.from({ length: STRANGERS_OF_THREAD_MAX }, () => new LocalClient(node));
  const last = strangers.at(-1)!;
  last.send(PROTOCOL_HEADER);
  assert.equal(last.names(), ['connection.start']);
  const turnedAway = new LocalClient(node);
  turnedAway.send(PROTOCOL_HEADER);
  assert.equal(turnedAway.names(), []);
  assert.equal(client.call(1, 'queue.declare', { queue: 'q' }, 'queue.declare-ok').queue, 'q');
  strangers[0]!.leave();
  const admitted = LocalClient.open(node);
  const next = LocalClient.open(node);
  for (const each of [...strangers, admitted, next]) each.transport.leave('ended');
  node.settle();
  assert.is(node.sweep(), 1);
});

rule('channels: the limit that was agreed on', ({ node }) => {
  const client = LocalClient.open(node, 10);
  for (let channel = 2; channel <= 10; channel++) client.send(method(channel, 'channel.open'));
  assert.equal(client.answers().closes, []);
  assert.is(client.refused(method(11, 'channel.open'))?.code, 530);
  client.leave();
});

rule('consumers: so many a channel', ({ client }) => {
  client.send(method(1, 'queue.declare', { queue: 'q' }));
  const chunk = Buffer.concat(Array.from({ length: 1024 }, () => method(1, 'basic.consume', { queue: 'q', nowait: true })));
  for (let count = 0; count < CONSUMERS_PER_CHANNEL_MAX; count += 1024) client.send(chunk);
  assert.equal(client.answers().closes, []);
  const closed = client.refused(method(1, 'basic.consume', { queue: 'q' }));
  assert.is(closed?.text, `NOT_ALLOWED - reached maximum (${CONSUMERS_PER_CHANNEL_MAX}) of consumers per channel`);
});

rule('bodies that are announced and never sent: so many bytes a connection', ({ node, client }) => {
  client.leave();
  const large = new LocalNode({ memoryLimitBytes: 2048 * MIB });
  const greedy = LocalClient.open(large);
  greedy.send(method(1, 'queue.declare', { queue: 'q' }));
  const size = 128 * MIB;
  const fitting = ANNOUNCED_BODIES_MAX / size;
  for (let channel = 1; channel <= fitting; channel++) {
    if (channel > 1) greedy.send(method(channel, 'channel.open'));
    greedy.send(method(channel, 'basic.publish', { routingKey: 'q' }), header(channel, size));
  }
  assert.equal(greedy.answers().closes, []);
  // One that ends makes room for another.
  const part = body(1, Buffer.alloc(MIB / 16));
  for (let sent = 0; sent < size; sent += MIB / 16) greedy.send(part);
  greedy.send(method(1, 'basic.publish', { routingKey: 'q' }), header(1, size));
  assert.equal(greedy.answers().closes, []);
  greedy.send(method(100, 'channel.open'), method(100, 'basic.publish', { routingKey: 'q' }));
  const { code, text } = greedy.refused(header(100, MIB)) ?? {};
  assert.equal([code, text], [506, `RESOURCE_ERROR - bodies of ${ANNOUNCED_BODIES_MAX + MIB} bytes announced at once, at most ${ANNOUNCED_BODIES_MAX} may be`]);
  large.advance(5_000);
  large.clear();
  assert.equal(large.held, { blocks: 0, leasesInOpenBlock: 0 });
  assert.equal(large.crashes, []);
  assert.is(node.crashes.length, 0);
});

rule('a message that came whole is no longer announced', ({ node, client }) => {
  client.send(method(1, 'queue.declare', { queue: 'q' }));
  for (let round = 0; round < 20; round++) {
    client.send(method(1, 'basic.publish', { routingKey: 'q' }), header(1, 50_000), body(1, Buffer.alloc(25_000)), body(1, Buffer.alloc(25_000)));
  }
  assert.is(ready(node, 'q'), 20);
  assert.equal(client.answers().closes, []);
});

for (const [what, question] of [
  ['basic.get', method(1, 'basic.get', { queue: 'q' })],
  ['passive declares', method(1, 'queue.declare', { queue: LONG_NAME, passive: true })],
  ['heartbeats', Buffer.from([8, 0, 0, 0, 0, 0, 0, 0xce])],
] as const) {
  rule(`answers that nobody reads: a million of ${what}`, ({ node, client }) => {
    client.send(method(1, 'queue.declare', { queue: 'q' }), method(1, 'queue.declare', { queue: LONG_NAME }));
    client.answers();
    client.transport.reads = false;
    const chunk = Buffer.concat(Array.from({ length: 1_000 }, () => question));
    for (let count = 0; count < 1_000 && client.transport.closed === undefined; count++) {
      client.send(chunk);
      if (client.transport.paused) break;
    }
    const { unsentBytes } = client.transport.outbound;
    assert.ok(unsentBytes < UNREAD_BYTES_MAX, `${unsentBytes} bytes are unsent`);
    const other = LocalClient.open(node);
    other.call(1, 'queue.declare', { queue: 'q', passive: true }, 'queue.declare-ok');
    other.leave();
  });
}

rule('large answers that nobody reads stop the reading of the questions', ({ client }) => {
  client.send(method(1, 'queue.declare', { queue: 'q' }));
  client.transport.reads = false;
  const message = Buffer.concat(publish(1, '', 'nobody', [Buffer.alloc(100_000)], {}, true));
  for (let count = 0; count < 3_000 && !client.transport.paused; count++) client.send(message);
  assert.ok(client.transport.paused, 'the client is still read');
  const { unsentBytes } = client.transport.outbound;
  assert.ok(unsentBytes < UNREAD_BYTES_MAX, `${unsentBytes} bytes are unsent`);
});

rule('a transaction that is never committed has a limit, and holds nothing after it', ({ node, client }) => {
  client.send(method(1, 'queue.declare', { queue: 'q' }), method(1, 'tx.select'));
  const chunk = Buffer.concat(Array.from({ length: 10_000 }, () => publish(1, '', 'q')).flat());
  for (let steps = 0; steps < TRANSACTION_STEPS_MAX; steps += 10_000) client.send(chunk);
  assert.equal(client.answers().closes, []);
  assert.equal(client.refused(...publish(1, '', 'q')), { channel: 0, code: 506, text: 'RESOURCE_ERROR - transaction too large' });
  node.advance(5_000);
  assert.is(ready(node, 'q'), 0);
});

rule('confirms that nobody reads: the publisher is stopped, the broker is not', ({ node, client }) => {
  client.send(method(1, 'queue.declare', { queue: 'q', arguments: table({ 'x-max-length': ['I', 10] }) }), method(1, 'confirm.select'));
  client.transport.reads = false;
  const chunk = Buffer.concat(Array.from({ length: 1_000 }, () => publish(1, '', 'q')).flat());
  for (let count = 0; count < 500 && !client.transport.paused; count++) client.send(chunk);
  assert.ok(client.transport.outbound.unsentBytes < UNREAD_BYTES_MAX);
  assert.is(ready(node, 'q'), 10);
});

test.run();
