/** A thread whose messages take more memory than the limit stops its publishers by itself: the node's janitor may be slow, or not there at all. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LocalClient } from '../../support/hostile/local-client.ts';
import { LocalNode } from '../../support/hostile/local-node.ts';
import { method, publish } from '../../support/hostile/recorded-sessions.ts';

const LIMIT_BYTES = 8 * 1024 * 1024;
const BODY = Buffer.alloc(100_000, 7);
/** Three times as much as the limit. */
const MESSAGES = Math.ceil((3 * LIMIT_BYTES) / BODY.length);

const alarm = suite("a thread's own memory alarm");

alarm('publishers wait from the moment on when memory is above the limit, with nobody to tell them', () => {
  const node = new LocalNode({ memoryLimitBytes: LIMIT_BYTES });
  const producer = LocalClient.open(node);
  const other = LocalClient.open(node);
  producer.send(method(1, 'queue.declare', { queue: 'q' }));
  for (let each = 0; each < MESSAGES; each++) producer.send(...publish(1, '', 'q', [BODY]));
  assert.ok(producer.transport.paused, 'the producer is read no more');
  assert.ok(node.usedBytes <= LIMIT_BYTES * 1.25, `${node.usedBytes} bytes are used`);
  assert.equal(node.actors.alarms, ['low on memory']);
  assert.not.ok(other.transport.paused, 'who does not publish is served');

  const { messageCount } = other.call(1, 'queue.purge', { queue: 'q' }, 'queue.purge-ok');
  assert.ok(messageCount > 0 && messageCount < MESSAGES, `${messageCount} of ${MESSAGES} were taken`);
  node.settle();
  assert.ok(other.call(1, 'queue.purge', { queue: 'q' }, 'queue.purge-ok').messageCount > 0, 'the producer goes on');
  assert.equal(node.crashes, []);
});

alarm.run();
