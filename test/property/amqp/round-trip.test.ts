/** What is encoded is decoded to the same value: all methods, tables and content headers (reliability row P4). */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeProperties, encodeHeaderFrame } from '../../../src/amqp/basic-properties.ts';
import { ABSENT, contentBodySize, deliveryMode, priority, userIdOffset, validateHeader } from '../../../src/amqp/content-header.ts';
import { decodeTable, encodeTable, tableSize } from '../../../src/amqp/field-table-codec.ts';
import { FRAME_END, FRAME_HEADER_SIZE } from '../../../src/amqp/frame.ts';
import { decodeMethod, encodeMethodFrame, methodFrameSize } from '../../../src/amqp/method-codec.ts';
import { anyMethod, basicProperties, fieldTable, METHOD_NAMES, methodNamed } from './arbitrary-method.ts';

const property = suite('round trip');

property('each method comes back as it was', () => {
  fc.assert(
    fc.property(anyMethod, fc.integer({ min: 0, max: 65535 }), (method, channel) => {
      const frame = encodeMethodFrame(channel, method);
      assert.is(frame.length, methodFrameSize(method));
      assert.is(frame[0], 1);
      assert.is(frame.readUInt16BE(1), channel);
      assert.is(frame.readUInt32BE(3), frame.length - 8);
      assert.is(frame[frame.length - 1], FRAME_END);
      assert.equal(decodeMethod(frame, FRAME_HEADER_SIZE, frame.length - 1), method);
    }),
    { numRuns: 10_000 },
  );
});

property('no method is left out', () => {
  for (const name of METHOD_NAMES) {
    fc.assert(
      fc.property(methodNamed(name), (method) => {
        const frame = encodeMethodFrame(1, method);
        assert.equal(decodeMethod(frame, FRAME_HEADER_SIZE, frame.length - 1), method);
      }),
      { numRuns: 20 },
    );
  }
});

property('each table comes back as it was, octet for octet', () => {
  fc.assert(
    fc.property(fieldTable, (table) => {
      const octets = encodeTable(table);
      assert.is(octets.length, tableSize(table));
      const decoded = decodeTable(octets, 0, octets.length);
      assert.instance(decoded, Map);
      assert.equal(decoded, table);
      assert.ok(decoded instanceof Map && octets.equals(encodeTable(decoded)));
    }),
    { numRuns: 10_000 },
  );
});

property('each content header comes back as it was, and the scanners read the same', () => {
  fc.assert(
    fc.property(basicProperties, fc.maxSafeNat(), (properties, bodySize) => {
      const frame = encodeHeaderFrame(1, bodySize, properties);
      const end = frame.length - 1;
      assert.is(frame.readUInt32BE(3), frame.length - 8);
      assert.is(validateHeader(frame, FRAME_HEADER_SIZE, end), undefined);
      assert.equal(decodeProperties(frame, FRAME_HEADER_SIZE, end), properties);
      assert.is(contentBodySize(frame, FRAME_HEADER_SIZE), bodySize);
      assert.is(deliveryMode(frame, FRAME_HEADER_SIZE, end), properties.deliveryMode ?? ABSENT);
      assert.is(priority(frame, FRAME_HEADER_SIZE, end), properties.priority ?? ABSENT);
      const userId = userIdOffset(frame, FRAME_HEADER_SIZE, end);
      assert.is(userId === ABSENT ? undefined : frame.toString('utf8', userId + 1, userId + 1 + frame[userId]!), properties.userId);
    }),
    { numRuns: 10_000 },
  );
});

property.run();
