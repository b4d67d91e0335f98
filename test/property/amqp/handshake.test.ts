/**
 * Whatever a stranger says in whatever order, and however late the answers of the port come: the handshake does not throw,
 * ends at most once, says nothing after its end, and opens no connection without a login and a vhost.
 */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EMPTY_TABLE } from '../../../src/broker/field-table.ts';
import { refuse } from '../../../src/broker/refusal.ts';
import { Handshake } from '../../../src/amqp/handshake.ts';
import type { HandshakePort } from '../../../src/amqp/handshake-port.ts';
import type { Method } from '../../../src/amqp/method-table.ts';
import { PROTOCOL_HEADER } from '../../../src/amqp/protocol-header.ts';
import { DEFAULT_TUNING } from '../../../src/amqp/tuning.ts';
import { anyMethod } from './arbitrary-method.ts';

const property = suite('handshake');

const PLAIN = new Uint8Array(Buffer.from('\0u\0p'));
const polite: fc.Arbitrary<Method> = fc.constantFrom<Method>(
  { name: 'connection.start-ok', clientProperties: EMPTY_TABLE, mechanism: 'PLAIN', response: PLAIN, locale: 'en_US' },
  { name: 'connection.start-ok', clientProperties: EMPTY_TABLE, mechanism: 'CHALLENGE', response: PLAIN, locale: 'en_US' },
  { name: 'connection.secure-ok', response: PLAIN },
  { name: 'connection.tune-ok', channelMax: 10, frameMax: 4096, heartbeat: 1 },
  { name: 'connection.open', virtualHost: '/' },
);

type Step = { readonly what: string; readonly take: (handshake: Handshake) => void };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: polite.map((method): Step => ({ what: method.name, take: (handshake) => handshake.receiveMethod(method) })) },
  { weight: 1, arbitrary: anyMethod.map((method): Step => ({ what: method.name, take: (handshake) => handshake.receiveMethod(method) })) },
  { weight: 4, arbitrary: fc.constant<Step>({ what: 'accept', take: (handshake) => handshake.authenticated({ kind: 'accepted', username: 'u' }) }) },
  { weight: 1, arbitrary: fc.constant<Step>({ what: 'challenge', take: (handshake) => handshake.authenticated({ kind: 'challenged', challenge: PLAIN }) }) },
  { weight: 1, arbitrary: fc.constant<Step>({ what: 'refuse', take: (handshake) => handshake.authenticated({ kind: 'refused', reason: 'r' }) }) },
  { weight: 4, arbitrary: fc.constant<Step>({ what: 'vhost', take: (handshake) => handshake.vhostOpened() }) },
  { weight: 1, arbitrary: fc.constant<Step>({ what: 'no vhost', take: (handshake) => handshake.vhostOpened(refuse(530, 'v')) }) },
  { weight: 4, arbitrary: fc.constant<Step>({ what: 'header', take: (handshake) => handshake.receiveHeader(PROTOCOL_HEADER) }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 8 }).map((octets): Step => ({ what: 'noise', take: (handshake) => handshake.receiveHeader(octets) })) },
  { weight: 1, arbitrary: fc.nat(70_000).map((size): Step => ({ what: 'octets', take: (handshake) => void handshake.admitBytes(size) })) },
);

/** Counts what matters and fails on anything said after the end. */
class CountingPort implements HandshakePort {
  ends = 0;
  openings = 0;
  logins = 0;
  vhosts = 0;

  send(): void {
    assert.is(this.ends, 0, 'sent after the end');
  }
  sendBytes(): void {
    assert.is(this.ends, 0, 'sent after the end');
  }
  authenticate(): void {
    this.logins++;
  }
  openVhost(): void {
    this.vhosts++;
  }
  close(): void {
    this.ends++;
  }
  drop(): void {
    this.ends++;
  }
  opened(): void {
    this.openings++;
    assert.ok(this.logins > 0 && this.vhosts === 1 && this.ends === 0);
  }
}

property('ends once, opens rightly', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const port = new CountingPort();
      const handshake = new Handshake(port, { serverProperties: EMPTY_TABLE, mechanisms: ['PLAIN', 'CHALLENGE'], tuning: DEFAULT_TUNING });
      for (const { take } of steps) take(handshake);
      assert.ok(port.ends <= 1 && port.openings <= 1);
      assert.is(handshake.state === 'ended', port.ends === 1);
      assert.is(handshake.state === 'running', port.openings === 1);
    }),
    { numRuns: 5_000 },
  );
});

property('steps in the right order, with noise after them, do open', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 5 }), (noise) => {
      const port = new CountingPort();
      const handshake = new Handshake(port, { serverProperties: EMPTY_TABLE, mechanisms: ['PLAIN'], tuning: DEFAULT_TUNING });
      handshake.receiveHeader(PROTOCOL_HEADER);
      handshake.receiveMethod({ name: 'connection.start-ok', clientProperties: EMPTY_TABLE, mechanism: 'PLAIN', response: PLAIN, locale: '' });
      handshake.authenticated({ kind: 'accepted', username: 'u' });
      handshake.receiveMethod({ name: 'connection.tune-ok', channelMax: 10, frameMax: 4096, heartbeat: 1 });
      handshake.receiveMethod({ name: 'connection.open', virtualHost: '/' });
      handshake.vhostOpened();
      for (const { take } of noise) take(handshake);
      assert.is(port.openings, 1);
    }),
    { numRuns: 200 },
  );
});

property.run();
