import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type DoorbellPorts,
  PortDoorbell,
  SleepFlags,
  createDoorbellPorts,
  createReplacementPorts,
} from '../../../../../actors/runtime/ring/doorbell.ts';

/** Counts the bells of one thread and lets a test wait for them. */
class Ear {
  bells = 0;
  private readonly events = new EventTarget();
  readonly onBell = (): void => {
    this.bells += 1;
    this.events.dispatchEvent(new Event('bell'));
  };
  async until(bells: number): Promise<void> {
    while (this.bells < bells) await once(this.events, 'bell');
  }
}

const doorbell = suite('doorbell');
const open: PortDoorbell[] = [];

/** A doorbell that is closed after the test: an open port would keep a failed run alive. */
function hang(ports: DoorbellPorts, ear: Ear): PortDoorbell {
  const bell = new PortDoorbell(ports, ear.onBell);
  open.push(bell);
  return bell;
}

doorbell.after.each(() => {
  for (const bell of open.splice(0)) bell.close();
});

doorbell('a bell reaches its thread and no other', async () => {
  const ears = [new Ear(), new Ear(), new Ear()];
  const bells = createDoorbellPorts(3).map((ports, thread) => hang(ports, ears[thread]!));
  bells[0]!.ring(2);
  bells[1]!.ring(2);
  bells[2]!.ring(0);
  await Promise.all([ears[2]!.until(2), ears[0]!.until(1)]);
  assert.equal(ears.map((ear) => ear.bells), [1, 0, 2]);
});

doorbell('a replaced thread is heard and hears, and both sides are rung once for bells that were lost', async () => {
  const [first, second, heir] = [new Ear(), new Ear(), new Ear()];
  const ports = createDoorbellPorts(2);
  const one = hang(ports[0]!, first);
  const two = hang(ports[1]!, second);
  two.close();
  one.ring(1);
  const { own, peers } = createReplacementPorts(2, 1);
  const next = hang(own, heir);
  one.replacePeer(1, peers[0]!);
  assert.is(first.bells, 1);
  await heir.until(1);
  one.ring(1);
  next.ring(0);
  await Promise.all([heir.until(2), first.until(2)]);
  assert.is(second.bells, 0);
});

doorbell('a bell is taken by one caller in each sleep', () => {
  const memory = SleepFlags.create(3);
  const [flags, others] = [new SleepFlags(memory), new SleepFlags(memory)];
  assert.not(others.takeBell(1), 'awake');
  flags.announce(1);
  assert.not(others.takeBell(0));
  assert.not(others.takeBell(2));
  assert.ok(others.takeBell(1));
  assert.not(flags.takeBell(1));
  flags.announce(1);
  flags.withdraw(1);
  assert.not(others.takeBell(1));
});

doorbell.run();
