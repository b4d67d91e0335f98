/** A header that is cut and joined as bytes says what a header says that was decoded, changed and written. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type BasicProperties, contentHeaderSize, decodeProperties, isRefusedHeader, writeContentHeader } from '../../../src/amqp/basic-properties.ts';
import { DeadLetterHeader } from '../../../src/amqp/dead-letter-header.ts';
import { encodeTable } from '../../../src/amqp/field-table-codec.ts';
import { type Death, deadLetterHeaders, firstDeathHeaders, isDeathHeader } from '../../../src/broker/dead-letter.ts';
import { EMPTY_TABLE } from '../../../src/broker/field-table.ts';
import { basicProperties } from './arbitrary-method.ts';

const DEATH: Death = { reason: 'expired', queue: 'q', exchange: 'x', routingKeys: ['k'], timeSeconds: 1234, expiration: '7' };
const header = new DeadLetterHeader();
const property = suite('header of a dead letter');

function propertiesIn(bytes: Buffer, start: number, end: number): BasicProperties {
  const properties = decodeProperties(bytes, start, end);
  if (isRefusedHeader(properties)) throw new Error(properties.text);
  return properties;
}

property('added fields and all that was there come back, without the expiration', () => {
  fc.assert(
    fc.property(basicProperties, fc.nat(40), (properties, lead) => {
      const size = contentHeaderSize(properties);
      const bytes = Buffer.alloc(lead + size + 3, 0xee);
      writeContentHeader(bytes, lead, 77, properties);
      header.look(bytes, lead, lead + size);
      assert.is(header.expiration, properties.expiration === undefined ? undefined : Buffer.from(properties.expiration).toString('latin1'));
      const before = properties.headers ?? EMPTY_TABLE;
      const isPlain = ![...before.keys()].some((name) => name === 'CC' || isDeathHeader(name));
      if (!isPlain) assert.not(header.plain);
      if (!header.plain) return;
      const fields = encodeTable(firstDeathHeaders(DEATH)).subarray(4);
      const target = Buffer.alloc(lead + header.sizeWith(fields.length) + 1, 0xdd);
      header.writeWith(fields, target, lead);
      assert.is(target[target.length - 1], 0xdd, 'nothing is written behind the payload');
      const { expiration: _, headers: __, ...rest } = properties;
      const { headers, ...others } = propertiesIn(target, lead, target.length - 1);
      assert.equal(others, rest);
      assert.ok(encodeTable(headers!).equals(encodeTable(deadLetterHeaders(before, DEATH, true))), 'the headers');
      assert.is(target.readBigUInt64BE(lead + 4), 77n);
    }),
    { numRuns: 3000 },
  );
});

property('headers that a death changes are seen', () => {
  for (const name of ['CC', 'x-death', 'x-first-death-queue', 'x-last-death-reason']) {
    const properties = { headers: new Map([['other', { type: 't', value: true } as const], [name, { type: 'V' } as const]]) };
    const bytes = Buffer.alloc(contentHeaderSize(properties));
    writeContentHeader(bytes, 0, 0, properties);
    header.look(bytes, 0, bytes.length);
    assert.is(header.plain, false, name);
  }
});

property.run();
