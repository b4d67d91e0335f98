/** A publish that repeats the one before it is decided as that one was, until something that it was decided by is another. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LocalClient } from '../../../support/hostile/local-client.ts';
import { LocalNode } from '../../../support/hostile/local-node.ts';
import { method, publish } from '../../../support/hostile/recorded-sessions.ts';
import type { RawProperties } from '../../../support/raw-properties.ts';

const HEADERS = { contentType: 'text/plain', headers: Buffer.from([1, 0x61, 0x74, 1]), deliveryMode: 2 };
const repeated = suite('a publish that repeats the one before it');

type World = { readonly node: LocalNode; readonly client: LocalClient; readonly other: LocalClient };

function world(): World {
  const node = new LocalNode();
  const client = LocalClient.open(node);
  client.send(method(1, 'exchange.declare', { exchange: 'x', type: 'direct' }), method(1, 'queue.declare', { queue: 'q' }));
  client.send(method(1, 'queue.bind', { queue: 'q', exchange: 'x', routingKey: 'k' }));
  client.answers();
  return { node, client, other: LocalClient.open(node) };
}

/** So many the same but for their bodies, mandatory, in one chunk. */
function copies(count: number, properties: RawProperties, exchange = 'x', key = 'k'): Buffer[] {
  return Array.from({ length: count }, (_, n) => publish(1, exchange, key, [Buffer.from(`body ${'n'.repeat(n)}.`)], properties, true)).flat();
}

function ready({ other }: World, queue: string): number {
  return other.call(1, 'queue.declare', { queue, passive: true }, 'queue.declare-ok').messageCount;
}

for (const [name, properties] of Object.entries({ 'a delivery mode': { deliveryMode: 1 }, 'headers and more': HEADERS })) {
  repeated(`with ${name}: each body comes as it was sent`, () => {
    const each = world();
    each.client.send(...copies(20, properties));
    const from = each.other.transport.received.length;
    each.other.send(method(1, 'basic.consume', { queue: 'q', consumerTag: 'c', noAck: true }));
    const bytes = Buffer.concat(each.other.transport.received.slice(from)).toString('latin1');
    assert.equal(bytes.match(/body n*\./g), Array.from({ length: 20 }, (_, n) => `body ${'n'.repeat(n)}.`));
    assert.equal(each.other.names().filter((method) => method === 'basic.deliver').length, 20);
  });

  repeated(`with ${name}: goes back when its queue is bound no more`, () => {
    const each = world();
    each.client.send(...copies(3, properties));
    assert.equal(each.client.names(), []);
    each.other.call(1, 'queue.unbind', { queue: 'q', exchange: 'x', routingKey: 'k' }, 'queue.unbind-ok');
    each.client.send(...copies(3, properties));
    assert.equal(each.client.names(), ['basic.return', 'basic.return', 'basic.return']);
    assert.is(ready(each, 'q'), 3);
  });

  repeated(`with ${name}: is refused once its user may not write`, () => {
    const each = world();
    each.client.send(...copies(3, properties));
    each.node.decide({ type: 'permission.set', permission: { user: 'guest', vhost: '/', configure: '.*', write: '^none$', read: '.*' } });
    each.node.settle();
    assert.is(each.client.refused(...copies(1, properties))?.code, 403);
  });

  repeated(`with ${name}: a channel that is open anew begins anew`, () => {
    const each = world();
    each.client.send(...copies(3, properties));
    each.client.call(1, 'channel.close', { replyCode: 200, replyText: '' }, 'channel.close-ok');
    each.client.call(1, 'channel.open', {}, 'channel.open-ok');
    each.client.send(...copies(3, properties));
    assert.is(ready(each, 'q'), 6);
  });

  repeated(`with ${name}: a random exchange chooses for each`, () => {
    const each = world();
    each.client.send(method(1, 'exchange.declare', { exchange: 'any', type: 'x-random' }), method(1, 'queue.declare', { queue: 'p' }));
    for (const queue of ['q', 'p']) each.client.send(method(1, 'queue.bind', { queue, exchange: 'any' }));
    each.client.send(...copies(200, properties, 'any'));
    const counts = [ready(each, 'q'), ready(each, 'p')];
    assert.is(counts[0]! + counts[1]!, 200);
    assert.ok(Math.min(...counts) > 20, String(counts));
  });
}

repeated('with a reply-to, after one without: each gets the name of the channel that waits now', () => {
  const each = world();
  const replyTo = 'amq.rabbitmq.reply-to';
  const wait = method(1, 'basic.consume', { queue: replyTo, consumerTag: 'r', noAck: true });
  const read = (): string[] => {
    const from = each.other.transport.received.length;
    each.other.send(method(1, 'basic.consume', { queue: 'q', noAck: true, consumerTag: 'c' }));
    each.other.call(1, 'basic.cancel', { consumerTag: 'c' }, 'basic.cancel-ok');
    return Buffer.concat(each.other.transport.received.slice(from)).toString('latin1').match(/amq\.rabbitmq\.reply-to\.[\w.=+-]+/g) ?? [];
  };
  each.client.send(wait, ...copies(1, { deliveryMode: 1 }), ...copies(2, { replyTo }));
  const first = read();
  each.client.send(method(1, 'basic.cancel', { consumerTag: 'r' }), wait, ...copies(2, { replyTo }));
  const second = read();
  assert.is(first.length + second.length, 4);
  assert.is(first[0], first[1]);
  assert.is(second[0], second[1]);
  assert.is.not(first[0], second[0]);
});

repeated('with an expiration: each has its own time', () => {
  const each = world();
  each.client.send(...copies(3, { expiration: '1000' }));
  each.node.advance(600);
  each.client.send(...copies(2, { expiration: '1000' }));
  assert.is(ready(each, 'q'), 5);
  each.node.advance(600);
  assert.is(ready(each, 'q'), 2);
  each.node.advance(600);
  assert.is(ready(each, 'q'), 0);
});

repeated.run();
