import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ReadTarget } from '../../../../native-free-io/socket/read-target.ts';

const test = suite('read target');

function open() {
  const shared = Buffer.alloc(8);
  const told: string[] = [];
  const target = new ReadTarget(shared, (buffer, length) => told.push(buffer.toString('latin1', 0, length)));
  /** Reads as a socket would: into the memory that the target names, as often as it takes. */
  const read = (text: string): void => {
    let rest = Buffer.from(text);
    while (rest.length > 0) {
      const memory = target.next();
      const size = Math.min(memory.length, rest.length);
      memory.set(rest.subarray(0, size));
      target.taken(memory, size);
      rest = rest.subarray(size);
    }
  };
  return { shared, told, target, read };
}

test('reads go to the shared buffer, and out of it', () => {
  const { told, read, target, shared } = open();
  assert.is(target.next(), shared);
  read('hello');
  read('0123456789');
  assert.equal(told, ['hello', '01234567', '89']);
});

test('a destination is filled exactly, then the shared buffer is used again', () => {
  const { told, read, target } = open();
  const destination = new Uint8Array(new SharedArrayBuffer(5));
  let filled = 0;
  target.fill(destination, () => (filled += 1));
  read('abc');
  assert.is(filled, 0);
  read('deXYZ');
  assert.is(filled, 1);
  assert.is(Buffer.from(destination).toString(), 'abcde');
  assert.equal(told, ['XYZ']);
});

test('bytes read into other memory are copied, across several destinations', () => {
  const { told, target } = open();
  const first = new Uint8Array(3);
  const second = new Uint8Array(2);
  target.fill(first, () => target.fill(second, () => {}));
  const chunk = Buffer.from('abcdefg');
  target.taken(chunk, chunk.length);
  assert.is(Buffer.from(first).toString() + Buffer.from(second).toString(), 'abcde');
  assert.equal(told, ['fg']);
});

test('a destination named while a read into the shared buffer is under way gets its bytes', () => {
  const { told, target } = open();
  const memory = target.next();
  memory.set(Buffer.from('abcd'));
  const destination = new Uint8Array(2);
  target.fill(destination, () => {});
  target.taken(memory, 4);
  assert.is(Buffer.from(destination).toString(), 'ab');
  assert.equal(told, ['cd']);
});

test('after close nothing is told, even in the middle of a chunk', () => {
  const { told, target } = open();
  const destination = new Uint8Array(2);
  target.fill(destination, () => target.close());
  target.taken(Buffer.from('abcd'), 4);
  target.taken(Buffer.from('efgh'), 4);
  assert.equal(told, []);
  assert.not(target.filling);
});

test('a second destination and an empty one are refused loudly', () => {
  const { target } = open();
  assert.throws(() => target.fill(new Uint8Array(0), () => {}), /without room/);
  target.fill(new Uint8Array(1), () => {});
  assert.throws(() => target.fill(new Uint8Array(1), () => {}), /already/);
});

test.run();
