import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeText, isMalformedText, textSize, writeLongstr, writeShortstr } from '../../../src/amqp/wire-text.ts';

const test = suite('wire text');

function rewritten(...octets: readonly number[]): number[] {
  const text = decodeText(Buffer.from(octets), 0, octets.length);
  const buffer = Buffer.alloc(300);
  const end = writeShortstr(buffer, 0, text);
  assert.is(textSize(text), octets.length);
  return [...buffer.subarray(1, end)];
}

test('octets that are not UTF-8 are written back', () => {
  for (const octets of [[0xff], [0x61, 0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xef, 0xbf, 0xbd, 0xff]]) {
    assert.equal(rewritten(...octets), octets);
  }
});

test('two octet sequences are never one string', () => {
  const texts = new Set(Array.from({ length: 128 }, (_, index) => decodeText(Buffer.of(0x80 + index), 0, 1)));
  assert.is(texts.size, 128);
});

test('well-formed text is what it says', () => {
  assert.is(decodeText(Buffer.from('x\u20ac\ufffdy'), 1, 7), '\u20ac\ufffd');
  assert.is(isMalformedText('\u20ac\ufffd'), false);
  assert.is(isMalformedText(decodeText(Buffer.of(0xff), 0, 1)), true);
});

test('lengths stand in front', () => {
  const buffer = Buffer.alloc(8);
  assert.is(writeShortstr(buffer, 1, 'ab'), 4);
  assert.equal([...buffer], [0, 2, 97, 98, 0, 0, 0, 0]);
  assert.is(writeLongstr(buffer, 2, Uint8Array.of(7)), 7);
  assert.equal([...buffer], [0, 2, 0, 0, 0, 1, 7, 0]);
});

test.run();
