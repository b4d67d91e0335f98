import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { blankComments, blankProse } from './blanking.ts';
import { FILE_LINES_MAX, brokenFileRules } from './file-rules.ts';
import { brokenImportRules, deadFiles } from './import-rules.ts';
import { projectFiles } from './project-files.ts';
import { WORD_RULES, brokenWordRules } from './word-rules.ts';

const files = projectFiles();

const project = suite('structure of the project');

project('every file is needed by the program', () => {
  assert.equal(deadFiles(files), []);
});

project('imports keep to the rooms, without cycles', () => {
  assert.ok(files.length > 50);
  assert.equal(brokenImportRules(files), []);
});

project('no file holds a word that the house does without', () => {
  assert.equal(files.flatMap(brokenWordRules), []);
});

project('files are named after one idea and short', () => {
  assert.equal(files.flatMap(brokenFileRules), []);
});

project.run();

const words = suite('word rules');

/** At least one bad line for every rule; a rule without one could rot unseen. */
const BAD: Readonly<Record<string, readonly string[]>> = {
  any: ['let x: any;', 'f(x as any)', 'const m = new Map<string, any>();', 'type A = any;', 'type B = string | any;', 'let a: any[] = [];'],
  'compiler silenced': ['// @ts-ignore', '/* @ts-nocheck */', '// @ts-expect-error because'],
  'default export': ['export default 1;', 'export { f as default };'],
  enum: ['enum Colour { Red }', 'export const enum Colour { Red }'],
  namespace: ['namespace Wire { }', 'export namespace Wire.Frame { }'],
  console: ['console.log(1);', 'console.error(`x`);'],
  'clock in a pure room': ['const now = Date.now();', 'setTimeout(f, 1);', 'performance.now();', '`${new Date()}`'],
  'randomness in a pure room': ['Math.random();', 'crypto.randomUUID();'],
  'process in a pure room': ['process.env', 'globalThis.x'],
  'thread primitive in a pure room': ['Atomics.load(a, 0);', 'new SharedArrayBuffer(8);', "new Worker('x');"],
  leftover: ['// TODO later', '/* FIXME */', 'const XXX = 1;'],
};

for (const rule of WORD_RULES) {
  words(`${rule.name} can fail`, () => {
    const examples = BAD[rule.name] ?? [];
    assert.ok(examples.length > 0, `no bad example for ${rule.name}`);
    for (const example of examples) {
      const broken = brokenWordRules({ path: 'src/broker/example.ts', text: `\n${example}\n` });
      assert.ok(broken.some((text) => text.startsWith(`src/broker/example.ts:2 ${rule.name} `) && text.endsWith(rule.instead)), `${example}: ${broken.join()}`);
    }
  });
}

words('prose, strings and look-alikes are left alone', () => {
  const innocent = [
    '// any Date, a process. console.log(enum Colour {})',
    "const text = 'Date.now() as any console.log()';",
    'const html = `: any ${name} process.env`;',
    'const any = 1; f(any); many.anything = company;',
    'const pattern = /: any "process.x/;',
    'const half = total / 2; /* : any */ const third = total / 3;',
    'updateDated(); reprocess.x; const date = 1;',
  ];
  for (const text of innocent) assert.equal(brokenWordRules({ path: 'src/broker/example.ts', text }), [], text);
});

words('clocks are free outside the pure rooms', () => {
  assert.equal(brokenWordRules({ path: 'native-free-io/clock.ts', text: 'performance.now(); setTimeout(f, 1);' }), []);
});

words('blanking keeps positions and sees holes of templates', () => {
  const text = 'a(`x ${b({ c: `y ${d}` })} z`); // e\n"f//g"; /h\\/[/]"/.test(i)';
  assert.is(blankProse(text).length, text.length);
  assert.equal(blankProse(text).match(/[a-z]+/g), ['a', 'b', 'c', 'd', 'test', 'i']);
  assert.ok(blankComments(text).includes('"f//g"'));
  assert.not.ok(blankComments(text).includes('e\n'));
});

words.run();

const imports = suite('import rules');
const used = { path: 'src/main/cli.ts', text: "import { a } from '../broker/a.ts';\nimport '../amqp/wire.ts';\nimport '../../native-free-io/b.ts';\nimport '../../actors/runtime/c.ts';" };

function problemsOf(path: string, text: string): string[] {
  const parties = [
    { path: 'src/broker/a.ts', text: '' },
    { path: 'src/amqp/wire.ts', text: '' },
    { path: 'native-free-io/b.ts', text: '' },
    { path: 'actors/runtime/c.ts', text: '' },
    { path: 'actors/messages/d.ts', text: '' },
    { path: 'test/support/e.ts', text: '' },
    { path: 'tools/f.ts', text: '' },
    { path: 'bench/g.ts', text: '' },
    used,
  ].filter((file) => file.path !== path);
  return brokenImportRules([...parties, { path, text }]).filter((problem) => problem.startsWith(path));
}

const FORBIDDEN: readonly (readonly [from: string, to: string])[] = [
  ['src/broker/a.ts', '../amqp/wire.ts'],
  ['src/broker/a.ts', '../../native-free-io/b.ts'],
  ['src/amqp/wire.ts', '../../actors/runtime/c.ts'],
  ['src/amqp/wire.ts', '../main/cli.ts'],
  ['src/store/x.ts', '../amqp/wire.ts'],
  ['actors/runtime/c.ts', '../../native-free-io/b.ts'],
  ['actors/runtime/c.ts', '../messages/d.ts'],
  ['native-free-io/b.ts', '../actors/runtime/c.ts'],
  ['native-free-io/b.ts', '../src/broker/a.ts'],
  ['actors/messages/d.ts', '../../src/main/cli.ts'],
  ['src/main/start.ts', '../../tools/f.ts'],
  ['src/main/start.ts', '../../bench/g.ts'],
  ['actors/queue/q.ts', '../../test/support/e.ts'],
  ['tools/f.ts', '../test/support/e.ts'],
  ['bench/g.ts', '../src/broker/a.ts'],
];

for (const [from, to] of FORBIDDEN) {
  imports(`${from} may not import ${to}`, () => {
    for (const text of [`import { x } from '${to}';`, `import type { X } from '${to}';`, `export { x } from '${to}';`, `await import('${to}');`, `import '${to}';`]) {
      assert.ok(problemsOf(from, text).some((problem) => problem.includes('may not import')), text);
    }
  });
}

imports('allowed edges pass', () => {
  assert.equal(problemsOf('src/amqp/x.ts', "import { a } from '../broker/a.ts';"), []);
  assert.equal(problemsOf('actors/queue/q.ts', "import { a } from '../../src/broker/a.ts';\nimport '../runtime/c.ts';"), []);
  assert.equal(problemsOf('test/unit/x.test.ts', "import '../../bench/g.ts';\nimport '../../src/amqp/wire.ts';"), []);
});

imports('pure rooms import nothing of Node but buffers', () => {
  assert.equal(problemsOf('src/store/x.ts', "import { Buffer } from 'node:buffer';"), []);
  for (const name of ['node:fs', 'node:net', 'node:worker_threads', 'pino']) {
    assert.is(problemsOf('src/store/x.ts', `import { x } from '${name}';`).length, 1, name);
  }
});

imports('a missing ending, an unknown room and a cycle are told', () => {
  assert.match(problemsOf('src/amqp/x.ts', "import { a } from '../broker/a';")[0] ?? '', /write the ending/);
  assert.match(problemsOf('src/elsewhere/x.ts', '')[0] ?? '', /no known room/);
  const ring = brokenImportRules([
    { path: 'src/broker/p.ts', text: "import { q } from './q.ts';" },
    { path: 'src/broker/q.ts', text: "import { r } from './r.ts';" },
    { path: 'src/broker/r.ts', text: "import { p } from './p.ts';" },
  ]);
  assert.equal(ring, ['src/broker/p.ts cycle: src/broker/p.ts -> src/broker/q.ts -> src/broker/r.ts -> src/broker/p.ts; move what both need into a third file']);
});

imports('types may point back', () => {
  assert.equal(problemsOf('src/broker/p.ts', "import type { P } from './p.ts';"), []);
});

imports('a file that only a test imports is dead; one that a thread starts from is not', () => {
  const dead = deadFiles([
    { path: 'src/broker/alone.ts', text: '' },
    { path: 'test/unit/alone.test.ts', text: "import '../../src/broker/alone.ts';" },
    { path: 'actors/runtime/thread.ts', text: '' },
    { path: 'src/main/cli.ts', text: "new Worker(siblingModule(import.meta.url, '../../actors/runtime/thread'));" },
  ]);
  assert.is(dead.length, 1);
  assert.match(dead[0] ?? '', /^src\/broker\/alone\.ts dead file/);
});

imports.run();

const names = suite('file rules');

names('bad names, barrels and long files are told', () => {
  const bad = ['src/broker/QueueMachine.ts', 'src/broker/queue_machine.ts', 'src/broker/utils.ts', 'src/broker/types.ts', 'src/broker/helpers.ts', 'src/amqp/index.ts'];
  for (const path of bad) assert.is(brokenFileRules({ path, text: '' }).length, 1, path);
  assert.is(brokenFileRules({ path: 'src/broker/queue.ts', text: '\n'.repeat(FILE_LINES_MAX + 1) }).length, 1);
  assert.equal(brokenFileRules({ path: 'test/unit/queue-machine.test.ts', text: '\n'.repeat(FILE_LINES_MAX) }), []);
});

names.run();
