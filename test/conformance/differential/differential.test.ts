/**
 * Recorded random sessions and what RabbitMQ 3.10.8 showed in them: Leveret must show the same. `run.ts` makes the recording, and plays any
 * number of other sessions against both.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { testBroker } from '../../support/broker.ts';
import type { TestBroker } from '../../support/broker.ts';
import { StallMeter } from '../../support/stall-meter.ts';
import { firstDifference } from './comparison.ts';
import { SessionPlayer } from './session-player.ts';
import type { RecordedSession } from './step.ts';

const RECORDING = join(import.meta.dirname, 'recorded-sessions.json');
/** Sessions that are played side by side: most of their time they wait. */
const LANES = 8;
/** A session that differs is played again: on a busy machine a message may expire before it is looked at. */
const ATTEMPTS_MAX = 3;
/** Where this process stood still for so long meanwhile, milliseconds, a message has had the time: that play does not count. */
const STALL_MS = 100;
const PLAYS_MAX = 12;

const recorded = JSON.parse(readFileSync(RECORDING, 'utf8')) as readonly RecordedSession[];
const differential = suite('differential');
let plays = 0;

/** The first difference in the words of a failing test; empty when there is none. */
async function differenceIn(broker: TestBroker, { steps, transcript }: RecordedSession): Promise<string> {
  const played = await SessionPlayer.play(broker, steps, `r${++plays}.`);
  const difference = firstDifference(transcript, played);
  if (difference === undefined) return '';
  const { at, left, right } = difference;
  return `after step ${at}, ${JSON.stringify(steps[at])}\nRabbitMQ:\n${left.join('\n')}\nhere:\n${right.join('\n')}`;
}

differential('recorded sessions', async () => {
  assert.ok(recorded.length >= 50, 'there is a recording');
  const broker = await testBroker();
  const waiting = [...recorded];
  const failures: string[] = [];
  const stalls = new StallMeter();
  const lane = async (): Promise<void> => {
    for (let session = waiting.shift(); session !== undefined; session = waiting.shift()) {
      let failure = 'not played';
      for (let attempts = 0, played = 0; failure !== '' && attempts < ATTEMPTS_MAX && played < PLAYS_MAX; played++) {
        const { lostMs } = stalls;
        failure = await differenceIn(broker, session).catch((error: unknown) => String(error));
        if (stalls.lostMs - lostMs < STALL_MS) attempts++;
      }
      if (failure !== '') failures.push(`seed ${session.seed}: ${failure}`);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  stalls.end();
  await broker.close();
  assert.is(failures.join('\n\n'), '');
});

differential('a session that is played wrongly is told', async () => {
  const broker = await testBroker();
  const session = recorded.find(({ steps }) => steps.some((step) => step.do === 'publish'))!;
  const steps = session.steps.map((step) => (step.do === 'publish' ? { ...step, exchange: '', routingKey: 'nobody', mandatory: true } : step));
  assert.match(await differenceIn(broker, { ...session, steps }), /basic.return/);
  await broker.close();
});

differential.run();
