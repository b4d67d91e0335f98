import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BODY_SIZE_MAX, BODY_SIZE_MIN, BodyWriter, readBody } from '../../../../tools/chaos/message-body.ts';
import { SeededRandom } from '../../../../tools/chaos/seeded-random.ts';

const bodies = suite('message body');

bodies('a body is read as it was written, in all sizes', () => {
  const writer = new BodyWriter(new SeededRandom(1));
  const sizes: number[] = [];
  for (let sequence = 1; sequence <= 2_000; sequence++) {
    const body = writer.write(7, sequence, 1234.5);
    sizes.push(body.length);
    const { checksum, ...head } = readBody(body)!;
    assert.equal(head, { stream: 7, sequence, sentMs: 1234 });
    assert.type(checksum, 'number');
  }
  assert.ok(Math.min(...sizes) >= BODY_SIZE_MIN && Math.min(...sizes) < 24);
  assert.ok(Math.max(...sizes) <= BODY_SIZE_MAX && Math.max(...sizes) > 50_000);
});

bodies('any flipped bit and any missing end is seen', () => {
  const writer = new BodyWriter(new SeededRandom(2));
  let body = writer.write(1, 1, 0);
  while (body.length > 100) body = writer.write(1, 1, 0);
  for (let bit = 0; bit < body.length * 8; bit++) {
    body[bit >> 3] = body[bit >> 3]! ^ (1 << (bit & 7));
    assert.is(readBody(body), undefined, `bit ${bit}`);
    body[bit >> 3] = body[bit >> 3]! ^ (1 << (bit & 7));
  }
  for (let length = 0; length < body.length; length++) assert.is(readBody(body.subarray(0, length)), undefined, `length ${length}`);
});

bodies.run();
