/**
 * Octets that nobody promised anything about: the decoders answer, they do not throw, hang or hoard (reliability row P2, and
 * S4, S5, S6). The inputs are drawn from one seed, which the failure names.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeProperties, encodeHeaderFrame, isRefusedHeader } from '../../../src/amqp/basic-properties.ts';
import { contentClassId, deliveryMode, propertyOffset, PropertyFlag, validateHeader } from '../../../src/amqp/content-header.ts';
import { decodeFields, decodeTable, encodeTable } from '../../../src/amqp/field-table-codec.ts';
import { isAmqpError } from '../../../src/amqp/amqp-error.ts';
import { decodeMethod, encodeMethodFrame } from '../../../src/amqp/method-codec.ts';
import { settleTag } from '../../../src/amqp/settle-scanner.ts';
import { scanFields } from '../../../src/amqp/table-scanner.ts';
import { anyMethod, fieldTable } from './arbitrary-method.ts';

const fuzz = suite('decoder fuzz');

const INPUTS = 100_000;
const SEED = Number(process.env['LEVERET_SEED'] ?? 20_261_121);
/** What the decoders may leave behind after all inputs, octets. */
const HEAP_GROWTH_MAX = 64 * 1024 * 1024;

/** A small generator of its own: drawing 10^5 inputs through shrinkable arbitraries would cost more than decoding them. */
function generator(seed: number): (bound: number) => number {
  let state = seed | 0;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return Math.floor(((state >>> 0) / 0x1_0000_0000) * bound);
  };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Octets of the heap that are still in use after a collection. */
function liveHeapSize(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Valid payloads of each kind, to be bent. */
function corpus(): Buffer[] {
  const methods = fc.sample(anyMethod, { seed: SEED, numRuns: 300 }).map((method) => encodeMethodFrame(1, method).subarray(7, -1));
  const tables = fc.sample(fieldTable, { seed: SEED, numRuns: 300 });
  const headers = tables.map((table) => encodeHeaderFrame(1, 1, { headers: table, deliveryMode: 2, replyTo: 'r' }).subarray(7, -1));
  return [...methods, ...headers, ...tables.map((table) => encodeTable(table))];
}

function bend(seedOctets: Buffer, random: (bound: number) => number): Buffer {
  const octets = Buffer.from(seedOctets.subarray(0, random(4) === 0 ? random(seedOctets.length + 1) : seedOctets.length));
  const TYPES = 'tbBsuIilLfdDSTFAxVZ';
  for (let change = random(4); change >= 0 && octets.length > 0; change--) {
    const at = random(octets.length);
    const kind = random(4);
    if (kind === 0) octets[at] = random(256);
    else if (kind === 1) octets[at] = TYPES.charCodeAt(random(TYPES.length));
    else if (kind === 2) octets[at] = 255;
    else octets.fill(255, at, Math.min(at + 4, octets.length));
  }
  return octets;
}

function noise(random: (bound: number) => number): Buffer {
  const octets = Buffer.alloc(random(200));
  for (let index = 0; index < octets.length; index++) octets[index] = random(256);
  // Half of the noise is given a class, so that it gets past the first look.
  if (octets.length > 4 && random(2) === 0) octets.set([0, 60, 0, random(13) * 10]);
  return octets;
}

/** Gives the octets to every decoder and holds the scanners against the decoders. Answers how many accepted them. */
function decodeAll(octets: Buffer): number {
  const end = octets.length;
  let accepted = 0;
  const method = decodeMethod(octets, 0, end);
  if (!isAmqpError(method)) {
    accepted++;
    encodeMethodFrame(1, method);
  } else assert.ok(Buffer.byteLength(method.text) <= 255);
  const table = decodeTable(octets, 0, end);
  if (table instanceof Map) assert.ok(encodeTable(table).length <= octets.length);
  else assert.ok('code' in table && (table.code === 501 || table.code === 502));

  const fields = decodeFields(octets, 0, end);
  const refusal = scanFields(octets, 0, end);
  assert.is(refusal, fields instanceof Map ? undefined : fields);
  if (fields instanceof Map) accepted++, encodeTable(fields);

  if (contentClassId(octets, 0, end) >= 0) {
    const properties = decodeProperties(octets, 0, end);
    assert.is(isRefusedHeader(properties), validateHeader(octets, 0, end) !== undefined);
    if (!isRefusedHeader(properties)) {
      accepted++;
      encodeHeaderFrame(1, 0, properties);
      assert.is(deliveryMode(octets, 0, end), properties.deliveryMode ?? -2);
    }
    for (const flag of Object.values(PropertyFlag)) assert.ok(propertyOffset(octets, 0, end, flag) < end);
  }
  if (end >= 4) {
    const tag = settleTag(octets, 0, end);
    if (!isAmqpError(method) && method.name === 'basic.ack') assert.is(tag, method.deliveryTag);
  }
  return accepted;
}

fuzz(`${INPUTS} random and bent inputs`, () => {
  const random = generator(SEED);
  const seeds = corpus();
  const heapBefore = liveHeapSize();
  let accepted = 0;
  for (let index = 0; index < INPUTS; index++) {
    const octets = random(3) === 0 ? noise(random) : bend(seeds[random(seeds.length)]!, random);
    try {
      accepted += decodeAll(octets);
    } catch (error) {
      throw new Error(`seed ${SEED}, input ${index}: ${octets.toString('hex')}`, { cause: error });
    }
  }
  // A fuzzer whose inputs are all refused, or all accepted, tests nothing.
  assert.ok(accepted > INPUTS / 20 && accepted < INPUTS * 2, `${accepted} accepted`);
  assert.ok(liveHeapSize() - heapBefore < HEAP_GROWTH_MAX);
});

fuzz('the dearest frames are answered at once', () => {
  const frameMax = 131_072;
  const dear = [
    // The same empty thing as often as it fits.
    Buffer.alloc(frameMax, '\x01aV', 'latin1'),
    Buffer.alloc(frameMax, '\x00F\0\0\0\0', 'latin1'),
    Buffer.alloc(frameMax, 'V', 'latin1'),
    Buffer.alloc(frameMax, 0),
    Buffer.alloc(frameMax, 255),
    // Tables that each claim all that is left.
    Buffer.concat(
      Array.from({ length: 10_000 }, (_, level) => {
        const opening = Buffer.from('\x01aF\0\0\0\0', 'latin1');
        opening.writeUInt32BE((9_999 - level) * 7, 3);
        return opening;
      }),
    ),
  ];
  const before = process.cpuUsage();
  for (const octets of dear) {
    decodeAll(octets);
    decodeAll(Buffer.concat([Buffer.from([0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0]), octets]));
  }
  // Processor time: a busy machine is not asked.
  const usedMs = process.cpuUsage(before).user / 1000;
  assert.ok(usedMs < 1_000, `${usedMs} ms`);
});

fuzz.run();
