import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { askLine } from '../../../native-free-io/socket/line-client.ts';
import { askNode } from '../../../src/main/ask-node.ts';
import { CONTROL_SOCKET, readQuestion, readReply, writeQuestion, writeReply } from '../../../src/main/control-protocol.ts';
import { serveControl } from '../../../src/main/control-server.ts';
import { createLog } from '../../../src/main/log.ts';

const test = suite('control');

test('a question and a reply come out as they went in', () => {
  assert.equal(readQuestion(writeQuestion('tree', { depth: 2 })), { ask: 'tree', fields: { depth: 2 } });
  assert.equal(readReply(writeReply({ answer: [1, null] })), { answer: [1, null] });
  assert.equal(readReply(writeReply({ problem: 'no' })), { problem: 'no' });
});

test('what is no question is answered by one sentence', () => {
  for (const line of ['', '{', '[]', 'null', '"tree"', '{"ask":"tree"}', '{"version":2,"ask":"tree"}', '{"version":1}', '{"version":1,"ask":7}']) {
    assert.ok('problem' in readQuestion(line), line);
  }
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (line) => {
      const question = readQuestion(line);
      assert.ok('problem' in question || typeof question.ask === 'string');
      readReply(line);
    }),
  );
});

test('a node answers what it offers, says what it does not, and outlives an offer that fails', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'leveret-control-'));
  const offers = new Map([
    ['tree', () => Promise.resolve({ root: 'stands' })],
    ['broken', () => Promise.reject(new Error('it is broken'))],
  ]);
  const server = await serveControl(directory, offers, createLog('silent'));
  const ask = async (line: string): Promise<unknown> => {
    const outcome = await askLine(directory, CONTROL_SOCKET, line, 60_000);
    return outcome.answered ? readReply(outcome.line) : outcome;
  };
  assert.equal(await ask(writeQuestion('tree')), { answer: { root: 'stands' } });
  assert.equal(await ask(writeQuestion('broken')), { problem: 'it is broken' });
  assert.equal(await ask(writeQuestion('dance')), { problem: 'this node cannot be asked "dance"; it knows tree, broken' });
  assert.equal(await ask('GET / HTTP/1.1'), { problem: 'a question is a JSON object on one line' });
  server.close();
  rmSync(directory, { recursive: true });
});

test('a profile may take longer than other answers', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'leveret-control-'));
  let asked = 0;
  let finish: (answer: unknown) => void = () => {};
  const never = (): Promise<unknown> => new Promise((resolve) => {
    asked++;
    finish = resolve;
  });
  const server = await serveControl(directory, new Map([['tree', never], ['profile finish', never]]), createLog('silent'));
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const tree = askNode(directory, 'tree');
    while (asked < 1) await setImmediate();
    const profile = askNode(directory, 'profile finish', { folder: directory });
    while (asked < 2) await setImmediate();
    mock.timers.tick(5_000);
    assert.equal(await tree, { problem: `the node in ${directory} refused: a part of the node did not answer within 5 s.` });
    mock.timers.tick(54_000);
    finish([]);
    assert.equal(await profile, { answer: [] });
  } finally {
    mock.timers.reset();
    server.close();
    rmSync(directory, { recursive: true });
  }
});

test('a node whose directory cannot hold a socket serves its clients all the same', async () => {
  const lines: string[] = [];
  const log = createLog('warn', { write: (line) => void lines.push(line) });
  (await serveControl(join(tmpdir(), 'leveret-is-not-there'), new Map(), log)).close();
  assert.match(lines.join(), 'there is no control socket');
});

test.run();
