import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Heartbeat, HeartbeatStep } from '../../../src/amqp/heartbeat.ts';

const heartbeat = suite('heartbeat');

heartbeat('is sent only when nothing else was', () => {
  const machine = new Heartbeat();
  assert.is(machine.step(true), HeartbeatStep.send);
  machine.sent();
  machine.received();
  assert.is(machine.step(true), HeartbeatStep.nothing);
  machine.received();
  assert.is(machine.step(true), HeartbeatStep.send);
});

heartbeat('a peer is gone after two intervals of silence, and any octets end a silence', () => {
  const machine = new Heartbeat();
  for (let step = 0; step < 4; step++) assert.is.not(machine.step(true), HeartbeatStep.gone);
  machine.received();
  for (let step = 0; step < 4; step++) assert.is.not(machine.step(true), HeartbeatStep.gone);
  assert.is(machine.step(true), HeartbeatStep.gone);
});

heartbeat('the silence of a peer that is not read does not count', () => {
  const machine = new Heartbeat();
  for (let step = 0; step < 20; step++) assert.is.not(machine.step(false), HeartbeatStep.gone);
});

heartbeat.run();
