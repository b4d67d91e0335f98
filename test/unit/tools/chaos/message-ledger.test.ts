/** The checker against behaviour that is broken in one way each: what it does not catch here, a run cannot find. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BodyWriter, checksumOf } from '../../../../tools/chaos/message-body.ts';
import { MessageLedger } from '../../../../tools/chaos/message-ledger.ts';
import type { Lane, Reading, Verdict } from '../../../../tools/chaos/message-ledger.ts';
import { SeededRandom } from '../../../../tools/chaos/seeded-random.ts';

const QUEUE = 'numbers';
const COUNT = 100;
const NOTHING_WRONG = { lost: 0, unexpected: 0, duplicated: 0, disordered: 0 };

/** One publisher, one queue, one reader, and a broker whose behaviour the test plays. */
class Scene {
  readonly ledger = new MessageLedger();
  readonly bodies: Buffer[] = [];
  readonly stream = this.ledger.openStream(1, QUEUE);
  lane: Lane = this.ledger.openLane(QUEUE, true, 1);
  readonly #writer = new BodyWriter(new SeededRandom(5));

  send(count: number, confirmed = true): void {
    for (let each = 0; each < count; each++) {
      const sequence = this.ledger.nextSequence(this.stream);
      const body = this.#writer.write(this.stream, sequence, each);
      this.ledger.sent(this.stream, checksumOf(body));
      this.bodies.push(body);
      if (confirmed) this.ledger.answered(this.stream, sequence, true);
    }
  }

  read(body: Buffer, redelivered = false): Reading | undefined {
    return this.ledger.read(this.lane, body, redelivered);
  }

  readAndSettle(body: Buffer, redelivered = false): void {
    const reading = this.read(body, redelivered);
    if (reading !== undefined) this.ledger.settled(reading);
  }
}

/** All messages sent and confirmed; the broker hands out what `deliver` makes of them. */
function verdictOf(deliver: (scene: Scene) => void): Verdict {
  const scene = new Scene();
  scene.send(COUNT);
  deliver(scene);
  return scene.ledger.verdict();
}

function bad({ lost, unexpected, duplicated, disordered }: Verdict): typeof NOTHING_WRONG {
  return { lost, unexpected, duplicated, disordered };
}

const checker = suite('message ledger');

checker('a broker that is right has nothing against it', () => {
  const verdict = verdictOf((scene) => scene.bodies.forEach((body) => scene.readAndSettle(body)));
  assert.equal(verdict, { attempted: COUNT, acknowledged: COUNT, ok: COUNT, recovered: 0, repeated: 0, ...NOTHING_WRONG });
});

checker('is caught: one confirmed message is dropped', () => {
  const verdict = verdictOf((scene) => scene.bodies.filter((_, index) => index !== 41).forEach((body) => scene.readAndSettle(body)));
  assert.equal(bad(verdict), { ...NOTHING_WRONG, lost: 1 });
});

checker('is caught: the last confirmed message is dropped', () => {
  const verdict = verdictOf((scene) => scene.bodies.slice(0, -1).forEach((body) => scene.readAndSettle(body)));
  assert.equal(bad(verdict), { ...NOTHING_WRONG, lost: 1 });
});

checker('is caught: a message that nobody acknowledged is not handed out again', () => {
  const verdict = verdictOf((scene) => scene.bodies.forEach((body, index) => (index === 41 ? scene.read(body) : scene.readAndSettle(body))));
  assert.equal(bad(verdict), { ...NOTHING_WRONG, lost: 1 });
});

checker('is caught: one message is handed out as new twice', () => {
  const verdict = verdictOf((scene) => {
    scene.bodies.forEach((body) => scene.readAndSettle(body));
    scene.lane = scene.ledger.openLane(QUEUE, true, 2);
    scene.readAndSettle(scene.bodies[41]!);
  });
  assert.equal(bad(verdict), { ...NOTHING_WRONG, duplicated: 1 });
});

checker('is caught: two neighbours are swapped', () => {
  const verdict = verdictOf((scene) => {
    [scene.bodies[41], scene.bodies[42]] = [scene.bodies[42]!, scene.bodies[41]!];
    scene.bodies.forEach((body) => scene.readAndSettle(body));
  });
  assert.equal(bad(verdict), { ...NOTHING_WRONG, disordered: 1 });
});

checker('is caught: two neighbours are swapped for one of several readers', () => {
  const scene = new Scene();
  scene.send(4);
  scene.lane = scene.ledger.openLane('another', false, 1);
  const one = scene.ledger.openLane(QUEUE, false, 1);
  for (const index of [2, 1]) scene.ledger.settled(scene.ledger.read(one, scene.bodies[index]!, false)!);
  assert.is(scene.ledger.verdict().disordered, 1);
});

checker('is caught: after a restart what comes back is swapped, when one reader sees it all', () => {
  const verdict = verdictOf((scene) => {
    scene.lane = scene.ledger.openLane(QUEUE, true, 2);
    [scene.bodies[41], scene.bodies[42]] = [scene.bodies[42]!, scene.bodies[41]!];
    scene.bodies.forEach((body) => scene.readAndSettle(body, true));
  });
  assert.equal(bad(verdict), { ...NOTHING_WRONG, disordered: 1 });
});

checker('is caught: a body that is flipped, cut, forged or of another queue', () => {
  const verdict = verdictOf((scene) => {
    scene.bodies.forEach((body) => scene.readAndSettle(body));
    const flipped = Buffer.from(scene.bodies[3]!);
    flipped[9] = flipped[9]! ^ 1;
    scene.readAndSettle(flipped, true);
    scene.readAndSettle(scene.bodies[4]!.subarray(0, 15), true);
    scene.readAndSettle(new BodyWriter(new SeededRandom(6)).write(scene.stream, COUNT + 1, 0), true);
    scene.readAndSettle(new BodyWriter(new SeededRandom(6)).write(scene.stream + 7, 1, 0), true);
    scene.readAndSettle(new BodyWriter(new SeededRandom(7)).write(scene.stream, 5, 0), true);
    scene.lane = scene.ledger.openLane('another', true, 1);
    scene.readAndSettle(scene.bodies[5]!, true);
  });
  assert.equal(bad(verdict), { ...NOTHING_WRONG, unexpected: 6 });
});

checker('what at-least-once allows is allowed: again with redelivered, before and after the ack, by another reader', () => {
  const verdict = verdictOf((scene) => {
    scene.bodies.slice(0, 60).forEach((body) => scene.readAndSettle(body));
    scene.bodies.slice(60).forEach((body) => scene.read(body));
    scene.lane = scene.ledger.openLane(QUEUE, true, 2);
    scene.bodies.slice(50).forEach((body) => scene.readAndSettle(body, true));
  });
  assert.equal(bad(verdict), NOTHING_WRONG);
  assert.is(verdict.repeated, 50);
});

checker('a second reader may find what the first one did not read behind newer messages', () => {
  const verdict = verdictOf((scene) => {
    scene.bodies.slice(0, 40).forEach((body) => scene.readAndSettle(body));
    scene.lane = scene.ledger.openLane(QUEUE, true, 1);
    scene.bodies.slice(50).forEach((body) => scene.readAndSettle(body));
    scene.bodies.slice(40, 50).forEach((body) => scene.readAndSettle(body, true));
  });
  assert.equal(bad(verdict), NOTHING_WRONG);
});

checker('an unanswered publish may vanish or arrive, and a refused one too', () => {
  const scene = new Scene();
  scene.send(10, false);
  for (const sequence of [9, 10]) scene.ledger.answered(scene.stream, sequence, false);
  scene.ledger.closeStream(scene.stream, 0);
  for (const index of [1, 4, 9]) scene.readAndSettle(scene.bodies[index]!);
  const verdict = scene.ledger.verdict();
  assert.equal(bad(verdict), NOTHING_WRONG);
  assert.equal([verdict.attempted, verdict.acknowledged, verdict.ok, verdict.recovered], [10, 0, 3, 3]);
});

checker('a confirm that comes after the delivery is a confirm', () => {
  const scene = new Scene();
  scene.send(1, false);
  scene.readAndSettle(scene.bodies[0]!);
  assert.is(scene.ledger.verdict().recovered, 1);
  scene.ledger.answered(scene.stream, 1, true);
  const { recovered, acknowledged, lost } = scene.ledger.verdict();
  assert.equal([recovered, acknowledged, lost], [0, 1, 0]);
});

checker('what has not come in time after its channel ended is overdue', () => {
  const scene = new Scene();
  scene.send(3);
  assert.is(scene.ledger.overdue(100_000, 5_000), 0);
  scene.ledger.closeStream(scene.stream, 100_000);
  assert.is(scene.ledger.overdue(104_000, 5_000), 0);
  scene.readAndSettle(scene.bodies[0]!);
  assert.is(scene.ledger.overdue(106_000, 5_000), 2);
});

checker('losses are told with their stream, neighbours together, and not without end', () => {
  const scene = new Scene();
  scene.send(200);
  scene.ledger.read(scene.lane, scene.bodies[1]!, false);
  for (let index = 4; index < 200; index += 2) scene.readAndSettle(scene.bodies[index]!);
  assert.is(scene.ledger.verdict().lost, 102);
  const { examples } = scene.ledger;
  assert.is(examples[0], 'lost: message 1 of stream 1 (publisher 1 to numbers) of 200: confirmed, never read');
  assert.match(examples[1]!, 'message 2 of stream 1 (publisher 1 to numbers) of 200: confirmed, not handed out again');
  assert.match(examples[2]!, 'message 3 of stream 1 (publisher 1 to numbers) up to 4 of 200');
  assert.is(examples.length, 12);
});

checker.run();
