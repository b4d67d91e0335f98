import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeAmqplain, decodePlain } from '../../../src/amqp/sasl.ts';

const test = suite('sasl');
const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

test('PLAIN is 0, user, 0, password', () => {
  assert.equal(decodePlain(octets('\0u\0p')), { username: 'u', password: octets('p') });
  assert.equal(decodePlain(octets('\0\0')), { username: '', password: octets('') });
  assert.equal(decodePlain(octets('\0u\0\xff\xfe')), { username: 'u', password: octets('\xff\xfe') });
});

test('PLAIN in any other form is nothing', () => {
  for (const response of ['', 'u', '\0', '\0u', 'authzid\0u\0p', '\0u\0p\0', '\0u\0p\0x']) assert.is(decodePlain(octets(response)), undefined, JSON.stringify(response));
});

test('AMQPLAIN is two fields, in any order, among others', () => {
  const response = octets('\x08PASSWORDS\0\0\0\x01p\x05otherV\x05LOGINS\0\0\0\x01u');
  assert.equal(decodeAmqplain(response), { username: 'u', password: octets('p') });
});

test('AMQPLAIN without a field, or with a field of another type, or broken, is nothing', () => {
  for (const response of ['', '\x05LOGINS\0\0\0\x01u', '\x05LOGINS\0\0\0\x01u\x08PASSWORDV', '\x05LOGINS\xff\xff\xff\xffu', '\x09__proto__V']) {
    assert.is(decodeAmqplain(octets(response)), undefined, JSON.stringify(response));
  }
});

test.run();
