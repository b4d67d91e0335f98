/** `leveret flame` on a node under load, and its page in a browser. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readCpuProfile } from '../../tools/flame/cpu-profile.ts';
import { type Frame, fold } from '../../tools/flame/fold.ts';
import { browserMissing, openPage } from '../support/browser.ts';
import { RawClient } from '../support/raw-client.ts';
import { TOO_LATE, timely } from '../support/timely.ts';
import { type Child, startChild } from './support/child.ts';

const LAUNCHER = join(import.meta.dirname, '../../bin/leveret.js');
/** Everything must be installed where CI runs. */
const complete = (process.env['CI'] ?? '') !== '';

const flame = suite('leveret flame');
const folder = mkdtempSync(join(tmpdir(), 'leveret-flame-'));
const dataDir = join(folder, 'data');
const children: Child[] = [];

function leveret(...args: string[]): Child {
  const child = startChild(process.execPath, [LAUNCHER, ...args], {}, folder);
  children.push(child);
  return child;
}

flame.after(async () => {
  for (const child of children) child.process.kill('SIGKILL');
  await Promise.all(children.map(({ ended }) => ended));
  rmSync(folder, { recursive: true, force: true });
});

/** Publishes until `isEnough`. */
async function load(port: number, isEnough: Promise<unknown>): Promise<void> {
  const client = await RawClient.connect({ url: '', host: '127.0.0.1', port, user: 'guest', password: 'guest', close: async () => {} });
  const channel = await client.openChannel();
  await channel.call('queue.declare', { queue: 'work', durable: true });
  let ended = false;
  void isEnough.then(() => (ended = true));
  while (!ended) {
    for (let count = 0; count < 50; count++) channel.publish({ routingKey: 'work' }, 'some text', { deliveryMode: 2 });
    await channel.call('queue.purge', { queue: 'work' });
  }
  client.drop();
}

function files(frame: Frame): string[] {
  return [frame.place, ...frame.children.flatMap(files)];
}

/** Whether there are frames of connections, and frames of the store. */
function framesOfLoad(out: string): boolean {
  const places = (thread: string): string[] => files(fold(readCpuProfile(readFileSync(join(folder, out, `${thread}.cpuprofile`), 'utf8')), thread));
  return (
    places('scheduler-1').some((place) => place.startsWith('actors/connection/') || place.startsWith('src/amqp/')) &&
    places('store').some((place) => place.startsWith('src/store/') || place.startsWith('native-free-io/lmdb/'))
  );
}

flame('every thread of a node under load, the broker by its own files', async () => {
  const node = leveret('start', '--port', '0', '--data-dir', dataDir, '--log-level', 'error');
  await node.said('Server startup complete\n');
  const port = Number(/amqp:\/\/127\.0\.0\.1:(\d+)/.exec(node.stdout())![1]);
  for (const out of ['first', 'second']) {
    // In a second and a half in which the machine stands still there is no load to be seen.
    await timely(async () => {
      rmSync(join(folder, out), { recursive: true, force: true });
      const recording = leveret('flame', '--data-dir', dataDir, '--seconds', '1.5', '--interval', '200', '--out', out);
      await load(port, recording.ended);
      assert.is(await recording.ended, 0, recording.stderr());
      assert.match(recording.stdout(), join(out, 'flame.html'));
      assert.equal(readdirSync(join(folder, out)).sort(), ['flame.html', 'main.cpuprofile', 'scheduler-1.cpuprofile', 'store.cpuprofile']);
      assert.is(statSync(join(folder, out)).mode & 0o777, 0o700);
      return framesOfLoad(out) ? undefined : TOO_LATE;
    });
  }
  const difference = leveret('flame', '--diff', 'first', 'second', '--out', 'changes');
  assert.is(await difference.ended, 0, difference.stderr());
  assert.match(readFileSync(join(folder, 'changes', 'flame.html'), 'utf8'), 'From first to second');
});

flame('wrong orders are refused with a sentence, and a running profile is no hindrance', async () => {
  const expectations: readonly (readonly [readonly string[], number, string])[] = [
    [['--seconds', '0'], 2, '--seconds must be a number above 0'],
    [['--interval', '1'], 2, 'whole number of microseconds from 50'],
    [['--diff', 'first'], 2, '--diff needs two folders'],
    [['--diff', 'first', 'second', '--diff'], 2, '--diff was given twice'],
    [['--dif'], 2, 'unknown option --dif; known are --diff, '],
    [['--diff', 'first', 'nowhere'], 1, 'nowhere is no folder that can be read'],
    [['--data-dir', join(folder, 'nobody')], 1, 'no node runs in'],
    [['--out', 'first', '--seconds', '0.1', '--data-dir', dataDir], 1, 'EEXIST'],
  ];
  for (const [args, code, text] of expectations) {
    const child = leveret('flame', ...args);
    assert.is(await child.ended, code, `${args.join(' ')}: ${child.stderr()}`);
    assert.match(child.stderr(), text);
  }
});

const inBrowser = browserMissing() === undefined || complete ? flame : flame.skip;
inBrowser('the page in a browser: a click zooms, a search marks, idle time comes and goes', async () => {
  assert.is(browserMissing(), undefined);
  const page = await openPage(join(folder, 'first', 'flame.html'));
  try {
    const count = (selector: string): Promise<number> => page.value(`document.querySelectorAll(${JSON.stringify(selector)}).length`);
    const click = (selector: string): Promise<void> =>
      page.value(`document.querySelector(${JSON.stringify(selector)}).dispatchEvent(new MouseEvent('click', { bubbles: true }))`);
    assert.equal(await page.value('[...document.querySelectorAll("h2")].map((h) => h.textContent.split(" ")[0])'), ['main', 'scheduler-1', 'store', 'Functions']);
    assert.ok((await count('#graph-1 .frame')) > 20);
    assert.is(await count('.frame.idle'), 0);
    await page.value('document.getElementById("idle").click()');
    assert.ok((await count('.frame.idle')) > 0);
    await page.value('document.getElementById("idle").click()');

    // The second frame of the thread becomes as wide as the thread.
    const widthOf = (selector: string): Promise<number> => page.value(`document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect().width`);
    const whole = await widthOf('#graph-1');
    const narrow = '#graph-1 .frame:nth-child(4)';
    assert.ok((await widthOf(narrow)) < whole);
    await click(narrow);
    assert.ok((await count('#graph-1 .ancestor')) > 0);
    assert.ok(Math.abs((await widthOf('#graph-1 .frame:not(.ancestor)')) - whole) < 2);
    await page.value('document.getElementById("reset").click()');
    assert.is(await count('.ancestor'), 0);

    await page.value('(() => { const box = document.getElementById("search"); box.value = "scheduler.ts"; box.dispatchEvent(new Event("input")); })()');
    assert.ok((await count('.frame.match')) > 0);
    assert.match(await page.value<string>('document.getElementById("found").textContent'), 'of all threads');
    await page.value(`document.querySelector('#graph-1 .frame').dispatchEvent(new MouseEvent('mouseover', { bubbles: true }))`);
    assert.match(await page.value<string>('document.getElementById("status").textContent'), 'scheduler-1');
    assert.equal(page.errors(), []);
  } finally {
    await page.close();
  }
});

flame.run();
