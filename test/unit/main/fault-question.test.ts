import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readFaultQuestion } from '../../../src/main/fault-question.ts';

const questions = suite('fault question');
const PLAN = { group: 'queue', seed: 1, everyLetters: 10, crashesMax: 2 };

questions('faults are read as they are meant', () => {
  assert.equal(readFaultQuestion({ thread: 2, fault: { type: 'end thread' } }, 2), { thread: 2, fault: { type: 'end thread' } });
  assert.equal(readFaultQuestion({ thread: 1, fault: { type: 'stall', ms: 50 } }, 2), { thread: 1, fault: { type: 'stall', ms: 50 } });
  assert.equal(readFaultQuestion({ thread: 1, fault: { type: 'plan', plan: PLAN } }, 2), { thread: 1, fault: { type: 'plan', plan: { ...PLAN, endsThread: false } } });
  const store = { ...PLAN, group: 'store-writer' };
  assert.equal(readFaultQuestion({ thread: 3, fault: { type: 'plan', plan: store } }, 2), { thread: 3, fault: { type: 'plan', plan: { ...store, endsThread: false } } });
  assert.equal(readFaultQuestion({ thread: 3, fault: { type: 'exhaust heap' } }, 2), { thread: 3, fault: { type: 'exhaust heap' } });
  assert.equal(readFaultQuestion({ thread: 0, fault: { type: 'plan' } }, 2), { thread: 0, fault: { type: 'plan', plan: undefined } });
});

questions('whoever hurts a node must have meant exactly that', () => {
  const bad: readonly Record<string, unknown>[] = [
    {},
    { thread: 4, fault: { type: 'end thread' } },
    { thread: 0, fault: { type: 'exhaust heap' } },
    { thread: 3, fault: { type: 'plan', plan: PLAN } },
    { thread: 1, fault: { type: 'plan', plan: { ...PLAN, group: 'store-writer' } } },
    { thread: 0, fault: { type: 'plan', plan: PLAN } },
    { thread: -1, fault: { type: 'end thread' } },
    { thread: '1', fault: { type: 'end thread' } },
    { thread: 0, fault: { type: 'end thread' } },
    { thread: 0, fault: { type: 'stall', ms: 10 } },
    { thread: 1 },
    { thread: 1, fault: null },
    { thread: 1, fault: { type: 'fire' } },
    { thread: 1, fault: { type: 'stall' } },
    { thread: 1, fault: { type: 'stall', ms: 60_001 } },
    { thread: 1, fault: { type: 'plan', plan: 7 } },
    { thread: 1, fault: { type: 'plan', plan: { ...PLAN, group: 'everything' } } },
    { thread: 1, fault: { type: 'plan', plan: { ...PLAN, everyLetters: 0 } } },
    { thread: 1, fault: { type: 'plan', plan: { ...PLAN, seed: 1.5 } } },
    { thread: 0, fault: { type: 'plan', plan: { ...PLAN, group: 'keeper', endsThread: true } } },
  ];
  for (const fields of bad) assert.ok('problem' in readFaultQuestion(fields, 2), JSON.stringify(fields));
});

questions.run();
