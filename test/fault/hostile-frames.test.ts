/** What a peer may send and how much of it: the rules S1, S2, S4, S5 and S6, against a whole node without sockets. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PRE_AUTH_BYTES_MAX } from '../../src/amqp/bounds.ts';
import { LocalClient } from '../support/hostile/local-client.ts';
import { LocalNode } from '../support/hostile/local-node.ts';
import { PROTOCOL_HEADER, body, handshake, header, method, publish } from '../support/hostile/recorded-sessions.ts';
import { long, longstr, short, shortstr } from '../support/raw-bytes.ts';
import { FRAME, frame } from '../support/raw-channel.ts';
import { table } from '../support/raw-table.ts';

const MESSAGE_SIZE_MAX = 1_000_000;

type Scene = { node: LocalNode; client: LocalClient };

const test = suite<Scene>('hostile frames');

test.before.each((scene) => {
  scene.node = new LocalNode({ messageSizeMax: MESSAGE_SIZE_MAX });
  scene.client = LocalClient.open(scene.node);
  scene.client.send(method(1, 'queue.declare', { queue: 'q' }));
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
  });
}

function readyIn(node: LocalNode): number {
  const other = LocalClient.open(node);
  const { messageCount } = other.call(1, 'queue.declare', { queue: 'q', passive: true }, 'queue.declare-ok');
  other.leave();
  return messageCount;
}

// ---- S1

rule('S1: a body longer than its header says is refused with 501 and never delivered', ({ node, client }) => {
  const [begin] = publish(1, '', 'q', [Buffer.alloc(4)]);
  assert.is(client.refused(begin!, header(1, 4), body(1, Buffer.alloc(5)))?.code, 501);
  assert.is(readyIn(node), 0);
});

rule('S1: also when only the second frame passes the size', ({ node, client }) => {
  const [begin] = publish(1, '', 'q');
  assert.is(client.refused(begin!, header(1, 6), body(1, Buffer.alloc(4)), body(1, Buffer.alloc(3)))?.code, 501);
  assert.is(readyIn(node), 0);
});

rule('S1: also when other channels speak in between', ({ node, client }) => {
  client.send(method(2, 'channel.open'), method(1, 'basic.publish', { routingKey: 'q' }), method(2, 'basic.publish', { routingKey: 'q' }));
  client.send(header(1, 6), header(2, 2), body(1, Buffer.alloc(4)), body(2, Buffer.alloc(2)));
  assert.is(client.refused(body(1, Buffer.alloc(3)))?.code, 501);
  assert.is(readyIn(node), 1);
});

rule('S1: a frame after the last byte of a body is no part of it', ({ node, client }) => {
  assert.is(client.refused(...publish(1, '', 'q', [Buffer.alloc(4)]), body(1, Buffer.alloc(1)))?.code, 505);
  assert.is(readyIn(node), 1);
});

rule('S1: a message above the limit is refused at its header, before a byte of it came', ({ node, client }) => {
  const before = node.usedBytes;
  const closed = client.refused(method(1, 'basic.publish', { routingKey: 'q' }), header(1, MESSAGE_SIZE_MAX + 1));
  assert.equal(closed, {
    channel: 1,
    code: 406,
    text: `PRECONDITION_FAILED - message size ${MESSAGE_SIZE_MAX + 1} is larger than configured max size ${MESSAGE_SIZE_MAX}`,
  });
  assert.is(node.usedBytes, before);
});

rule('S1: a size of 64 bits is counted as such', ({ client }) => {
  for (const size of [2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
    const closed = client.refused(method(1, 'basic.publish', { routingKey: 'q' }), header(1, size));
    assert.is(closed?.code, 406, `${size}`);
    client.send(method(1, 'channel.close-ok'), method(1, 'channel.open'));
  }
});

// ---- S2

rule('S2: a frame above the limit of the handshake is refused at its header', ({ node }) => {
  const stranger = new LocalClient(node);
  stranger.send(PROTOCOL_HEADER);
  const closed = stranger.refused(Buffer.concat([Buffer.of(1), short(0), long(8_193)]));
  assert.is(closed?.code, 501);
  stranger.leave();
});

rule('S2: who has not logged in may send so many bytes and no more', ({ node }) => {
  const stranger = new LocalClient(node);
  stranger.send(PROTOCOL_HEADER);
  const beat = frame(FRAME.heartbeat, 0, Buffer.alloc(0));
  const beats = Buffer.concat(Array.from({ length: 512 }, () => beat));
  let sent = PROTOCOL_HEADER.length;
  while (stranger.transport.closed === undefined && sent < 4 * PRE_AUTH_BYTES_MAX) {
    stranger.send(beats);
    sent += beats.length;
  }
  assert.is(stranger.transport.closed?.kind, 'flushed');
  assert.ok(sent <= PRE_AUTH_BYTES_MAX + beats.length, `${sent} bytes were taken`);
});

rule('S2: a handshake that takes too long is ended, one byte at a time as well', ({ node }) => {
  const silent = new LocalClient(node);
  const slow = new LocalClient(node);
  const bytes = Buffer.concat(handshake());
  for (let second = 0; second < 9; second++) {
    slow.send(bytes.subarray(second, second + 1));
    node.advance(1_000);
  }
  assert.is(silent.transport.closed, undefined);
  node.advance(1_100);
  assert.is(silent.transport.closed?.kind, 'flushed');
  assert.is(slow.transport.closed?.kind, 'flushed');
});

// ---- S4, S5, S6

/** A declare whose arguments are these octets, with their size in front. */
function declareWith(fields: Buffer): Buffer {
  const payload = Buffer.concat([short(50), short(10), short(0), shortstr('q'), Buffer.of(0), longstr(fields)]);
  return frame(FRAME.method, 1, payload);
}

function nested(kind: 'F' | 'A', depth: number): Buffer {
  let value = Buffer.alloc(0);
  for (let level = 0; level < depth; level++) {
    const inner = kind === 'F' ? [shortstr('k'), Buffer.from('F'), longstr(value)] : [Buffer.from('A'), longstr(value)];
    value = Buffer.concat(inner);
  }
  return kind === 'F' ? value : Buffer.concat([shortstr('k'), value]);
}

for (const kind of ['F', 'A'] as const) {
  rule(`S4: ${kind === 'F' ? 'tables' : 'arrays'} inside each other, in a method and in a message`, ({ node, client }) => {
    for (const depth of [40, 1_000, 10_000]) {
      assert.is(client.refused(declareWith(nested(kind, depth)))?.code, 502, `${depth} in a method`);
      client.leave();
      const other = LocalClient.open(node);
      const closed = other.refused(...publish(1, '', 'q', [Buffer.from('x')], { headers: nested(kind, depth) }));
      assert.is(closed?.code, 502, `${depth} in a message`);
      other.leave();
      client = LocalClient.open(node);
    }
    client.leave();
    assert.is(readyIn(node), 0);
  });
}

rule('S5: a length is compared with what is there before anything is made of it', ({ node, client }) => {
  const lies = [
    Buffer.concat([shortstr('k'), Buffer.from('S'), long(0xffff_ffff), Buffer.from('x')]),
    Buffer.concat([shortstr('k'), Buffer.from('x'), long(0x7fff_ffff)]),
    Buffer.concat([shortstr('k'), Buffer.from('F'), long(0x8000_0000)]),
    Buffer.concat([shortstr('k'), Buffer.from('A'), long(100)]),
    Buffer.concat([Buffer.of(200), Buffer.from('k')]),
  ];
  for (const lie of lies) {
    assert.is(client.refused(declareWith(lie))?.code, 501, lie.toString('hex'));
    client.leave();
    client = LocalClient.open(node);
    assert.is(client.refused(...publish(1, '', 'q', [Buffer.from('x')], { headers: lie }))?.code, 501, lie.toString('hex'));
    client.leave();
    client = LocalClient.open(node);
  }
  client.leave();
  assert.is(readyIn(node), 0);
});

rule('S5: names that are not UTF-8 are refused, whichever way they come', ({ node, client }) => {
  const longest = Buffer.alloc(255, 0xff);
  const key = Buffer.concat([Buffer.of(10), Buffer.from('amq.fanout'), Buffer.of(255), longest]);
  const begin = (bits: number): Buffer => frame(FRAME.method, 1, Buffer.concat([short(60), short(40), short(0), key, Buffer.of(bits)]));
  client.send(method(1, 'queue.bind', { queue: 'q', exchange: 'amq.fanout' }));
  const ways: Buffer[][] = [
    [begin(0), header(1, 1), body(1, Buffer.from('x'))],
    [begin(1), header(1, 1), body(1, Buffer.from('x'))],
    [begin(0), header(1, 1, { headers: table({ k: ['t', true] }) }), body(1, Buffer.from('x'))],
    [begin(0), header(1, 2), body(1, Buffer.from('x')), body(1, Buffer.from('y'))],
  ];
  for (const [index, frames] of ways.entries()) {
    assert.is(client.refused(...frames)?.code, 501, `way ${index}`);
    client.leave();
    client = LocalClient.open(node);
  }
  client.leave();
  assert.is(readyIn(node), 0);
});

rule('S6: elements without a width are counted', ({ node, client }) => {
  const elements = Buffer.alloc(100_000, 'V');
  const fields = Buffer.concat([shortstr('k'), Buffer.from('A'), longstr(elements)]);
  assert.is(client.refused(declareWith(fields))?.code, 502);
  client.leave();
  client = LocalClient.open(node);
  assert.is(client.refused(...publish(1, '', 'q', [Buffer.from('x')], { headers: fields }))?.code, 502);
  client.leave();
  client = LocalClient.open(node);
  const many = Buffer.concat(Array.from({ length: 5_000 }, (_, index) => Buffer.concat([shortstr(`k${index}`), Buffer.from('V')])));
  assert.is(client.refused(declareWith(many))?.code, 502);
  client.leave();
});

test.run();
