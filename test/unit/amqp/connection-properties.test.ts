import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EMPTY_TABLE, type FieldTable } from '../../../src/broker/field-table.ts';
import { hasCapability, serverProperties, userProvidedName } from '../../../src/amqp/connection-properties.ts';

const test = suite('connection properties');

test('the server says all that RabbitMQ says', () => {
  const properties = serverProperties({ version: '9.9.9', platform: 'Node.js 24', clusterName: 'leveret@host' });
  const text = (name: string): string => {
    const field = properties.get(name);
    return field?.type === 'S' ? Buffer.from(field.value).toString() : '';
  };
  assert.is(text('product'), 'Leveret');
  assert.is(text('version'), '3.13.7');
  assert.is(text('leveret_version'), '9.9.9');
  assert.is(text('cluster_name'), 'leveret@host');
  assert.is(text('platform'), 'Node.js 24');
  const capabilities = properties.get('capabilities');
  assert.is(capabilities?.type === 'F' && capabilities.value.size, 9);
  assert.is(hasCapability(properties, 'connection.blocked'), true);
});

test('a capability counts when it is the boolean true', () => {
  const client = (value: FieldTable): FieldTable => new Map([['capabilities', { type: 'F', value }]]);
  assert.is(hasCapability(client(new Map([['basic.nack', { type: 't', value: true }]])), 'basic.nack'), true);
  assert.is(hasCapability(client(new Map([['basic.nack', { type: 't', value: false }]])), 'basic.nack'), false);
  assert.is(hasCapability(client(new Map([['basic.nack', { type: 'B', value: 1 }]])), 'basic.nack'), false);
  assert.is(hasCapability(client(new Map()), 'basic.nack'), false);
  assert.is(hasCapability(new Map([['capabilities', { type: 'V' }]]), 'basic.nack'), false);
  assert.is(hasCapability(EMPTY_TABLE, 'basic.nack'), false);
});

test('a connection has the name its client gave it', () => {
  assert.is(userProvidedName(new Map([['connection_name', { type: 'S', value: new Uint8Array(Buffer.from('orders')) }]])), 'orders');
  assert.is(userProvidedName(new Map([['connection_name', { type: 'V' }]])), undefined);
  assert.is(userProvidedName(EMPTY_TABLE), undefined);
});

test.run();
