/** Random histories of a topology actor that crashes, over a store and replicas that take their time: see topology-world.ts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { topologyCommand } from '../../../support/topology-histories.ts';
import { type Step, TopologyWorld } from './topology-world.ts';

const thread = fc.constantFrom(1, 2);
const step: fc.Arbitrary<Step> = fc.oneof(
  // Queues do not move between the threads here.
  { weight: 10, arbitrary: topologyCommand.filter(({ type }) => type !== 'queue.place').map((command): Step => ({ type: 'command', command })) },
  { weight: 4, arbitrary: fc.constant<Step>({ type: 'commit' }) },
  { weight: 6, arbitrary: thread.map((one): Step => ({ type: 'read', thread: one })) },
  { weight: 1, arbitrary: thread.map((one): Step => ({ type: 'replace', thread: one })) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('crash' as const), afterTells: fc.nat(3), told: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant<Step>({ type: 'crash after' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ type: 'kill' }) },
);

const actors = suite('topology actor');

actors('nobody is shown or told what a killed process takes back, everybody is answered, and no id is given twice', () => {
  let answered = 0;
  let crashes = 0;
  let shown = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }), (steps) => {
      const world = new TopologyWorld();
      for (const one of steps) world.do(one);
      world.settleDown();
      world.do({ type: 'kill' });
      world.settleDown();
      answered += world.answered;
      crashes += world.crashes;
      shown += world.shownCount;
    }),
    { numRuns: 500 },
  );
  assert.ok(answered > 2_000 && crashes > 500 && shown > 5_000, `${answered} answers, ${crashes} crashes, ${shown} events shown: too poor`);
});

actors.run();
