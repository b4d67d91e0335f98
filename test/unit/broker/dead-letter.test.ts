/** What deaths leave in the headers, and what is made of what clients put there. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Death, deadLetterHeaders, isDeathCycle } from '../../../src/broker/dead-letter.ts';
import { EMPTY_TABLE, type FieldTable, type FieldValue } from '../../../src/broker/field-table.ts';
import { textOf } from '../../../src/broker/field-value.ts';
import { fieldTable } from '../../property/amqp/arbitrary-method.ts';

const test = suite('deaths');

function death(queue: string, reason: Death['reason']): Death {
  return { reason, queue, exchange: 'x', routingKeys: ['k'], timeSeconds: 1, expiration: undefined };
}

/** The headers after these deaths, the oldest first. */
function after(deaths: readonly Death[], before: FieldTable = EMPTY_TABLE): FieldTable {
  return deaths.reduce<FieldTable>((headers, each) => deadLetterHeaders(headers, each, true), before);
}

/** `reason queue count`, the newest first; what is no table as its type. */
function told(headers: FieldTable): string[] {
  const deaths = headers.get('x-death');
  if (deaths?.type !== 'A') return [];
  const one = (value: FieldValue | undefined): string => (value?.type === 'S' ? textOf(value.value) : value?.type === 'l' ? String(value.value) : '?');
  return deaths.value.map((each) => (each.type === 'F' ? ['reason', 'queue', 'count'].map((name) => one(each.value.get(name))).join(' ') : each.type));
}

const text = (value: string): FieldValue => ({ type: 'S', value: Buffer.from(value) });
const withDeaths = (...deaths: FieldValue[]): FieldTable => new Map([['x-death', { type: 'A', value: deaths }]]);
const entry = (fields: Record<string, FieldValue>): FieldValue => ({ type: 'F', value: new Map(Object.entries(fields)) });

test('the newest stands in front, and the same is counted', () => {
  const headers = after([death('a', 'rejected'), death('b', 'expired'), death('a', 'rejected'), death('a', 'maxlen')]);
  assert.equal(told(headers), ['maxlen a 1', 'rejected a 2', 'expired b 1']);
  assert.equal(headers.get('x-first-death-reason'), text('rejected'));
  assert.equal(headers.get('x-last-death-reason'), text('maxlen'));
});

test('the same death again keeps the time and the keys of the first', () => {
  const first: Death = { ...death('a', 'expired'), timeSeconds: 5, routingKeys: ['first'], expiration: '10' };
  const headers = after([first, { ...first, timeSeconds: 9, routingKeys: ['second'], expiration: undefined }]);
  const deaths = headers.get('x-death');
  const fields = deaths?.type === 'A' && deaths.value[0]?.type === 'F' ? deaths.value[0].value : EMPTY_TABLE;
  assert.equal(fields.get('time'), { type: 'T', value: 5n });
  assert.equal(fields.get('routing-keys'), { type: 'A', value: [text('first')] });
  assert.equal(fields.get('original-expiration'), text('10'));
  assert.equal(fields.get('count'), { type: 'l', value: 2n });
});

test('a routing key of the queue takes CC away', () => {
  const before: FieldTable = new Map([['CC', { type: 'A', value: [] }]]);
  assert.ok(deadLetterHeaders(before, death('a', 'rejected'), true).has('CC'));
  assert.not(deadLetterHeaders(before, death('a', 'rejected'), false).has('CC'));
});

for (const [what, deaths, isCycle] of [
  ['it has not been there', [death('b', 'expired')], false],
  ['it died there by itself', [death('a', 'expired')], true],
  ['all on the way was automatic', [death('a', 'maxlen'), death('b', 'expired')], true],
  ['it was rejected there', [death('a', 'rejected'), death('b', 'expired')], false],
  ['it was rejected on the way', [death('a', 'expired'), death('b', 'rejected')], false],
  ['it was rejected before', [death('c', 'rejected'), death('a', 'expired'), death('b', 'expired')], true],
] as const) {
  test(`a circle: ${what}`, () => {
    assert.is(isDeathCycle('a', after(deaths)), isCycle);
  });
}

test('what a client put among the deaths stays, and makes a circle its own', () => {
  const before = withDeaths({ type: 'V' }, entry({ queue: text('a'), reason: text('expired') }));
  assert.is(isDeathCycle('a', before), false);
  assert.equal(told(after([death('b', 'expired')], before)), ['expired b 1', 'V', 'expired a ?']);
});

test('a count that is none begins at one, and no count grows past its type', () => {
  for (const [count, counted] of [
    [text('many'), 1n],
    [{ type: 'l', value: -5n } as const, 1n],
    [{ type: 'I', value: 4 } as const, 5n],
    [{ type: 'l', value: 2n ** 63n - 1n } as const, 2n ** 63n - 1n],
  ] as const) {
    const before = withDeaths(entry({ queue: text('a'), reason: text('rejected'), count }));
    assert.equal(told(after([death('a', 'rejected')], before)), [`rejected a ${counted}`]);
  }
});

test('no headers make it fail', () => {
  const value = fieldTable.map((table): FieldValue => ({ type: 'F', value: table }));
  fc.assert(
    fc.property(fieldTable, fc.array(value, { maxLength: 4 }), fc.constantFrom('rejected', 'expired'), (table, deaths, reason) => {
      for (const before of [table, new Map([...table, ['x-death', { type: 'A', value: deaths } as const]])]) {
        const headers = deadLetterHeaders(before, death('a', reason as Death['reason']), false);
        assert.is(told(headers)[0], `${reason} a 1`);
        assert.type(isDeathCycle('a', headers), 'boolean');
      }
    }),
    { numRuns: 500 },
  );
});

test.run();
