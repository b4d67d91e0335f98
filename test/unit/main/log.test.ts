import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog, withoutUrlPasswords } from '../../../src/main/log.ts';
import { terminalLine } from '../../../src/main/terminal-line.ts';

const logs = suite('log');

logs('no secret passes, wherever it stands', () => {
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => void lines.push(line) });
  log.info({ password: 'canary1', user: { passwordHash: 'canary2' }, a: { b: { token: 'canary3' } } }, 'login');
  log.error({ err: new Error('cannot reach amqps://u:canary4@host/vhost') }, 'url amqp://u:canary5@h');
  log.child({ response: 'canary6' }).warn('child');
  assert.is(lines.length, 3);
  assert.not.match(lines.join(''), 'canary');
  assert.match(lines.join(''), 'amqps://u:[redacted]@host/vhost');
  for (const line of lines) JSON.parse(line);
});

logs('a URL without a password stays as it is', () => {
  for (const text of ['amqp://127.0.0.1:5672', 'amqp://guest@h:1/v', 'see http://a/b:c@d', 'amqp://h:5672","x":"a@b"']) assert.is(withoutUrlPasswords(text), text);
});

logs('a record becomes a readable line', () => {
  const line = terminalLine('{"level":"info","time":"2026-01-02T12:30:01.250Z","pid":1,"port":5672,"msg":"listening"}\n');
  assert.is(line, '12:30:01.250 info  listening port=5672\n');
});

logs('a name chosen by a client cannot reach the terminal', () => {
  const line = terminalLine(JSON.stringify({ level: 'warn', time: '', queue: '\u001b[2Jx\ny', msg: 'full' }));
  assert.is(line, ' warn  full queue=\\x1b[2Jx\\x0ay\n');
});

logs('an error brings its stack', () => {
  const line = terminalLine('{"level":"error","time":"","msg":"m","err":{"stack":"Error: x\\n    at y"}}');
  assert.is(line, ' error m\n    Error: x\n        at y\n');
});

logs('what is no record passes unchanged', () => {
  assert.is(terminalLine('plain text\n'), 'plain text\n');
});

logs.run();
