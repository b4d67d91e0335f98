import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Acceptors, type AcceptorsHost } from '../../../src/main/acceptors.ts';
import { VirtualClock } from '../../support/hostile/virtual-clock.ts';

/** Threads that do at once what they are asked for, unless they are slow; the port is as the kernel sees it. */
class Threads extends VirtualClock implements AcceptorsHost {
  readonly up = new Set([1, 2]);
  /** Threads that listen. */
  readonly open = new Set<number>();
  readonly asked: number[] = [];
  readonly gaveUp: string[] = [];
  /** Who listened when the acceptors gave up. */
  readonly openThen: number[] = [];
  slow = false;
  unable = 0;
  readonly acceptors = new Acceptors(this);

  standing(): readonly number[] {
    return [...this.up];
  }

  listen(thread: number): void {
    this.asked.push(thread);
    if (!this.slow) this.answer(thread);
  }

  answer(thread: number): void {
    if (thread === this.unable) return this.acceptors.failed(thread, new Error('no descriptors left'));
    this.open.add(thread);
    this.acceptors.listening(thread);
  }

  deafen(thread: number): void {
    if (!this.open.delete(thread)) return;
    queueMicrotask(() => this.acceptors.deaf(thread));
  }

  acceptorsGaveUp(text: string): void {
    this.gaveUp.push(text);
    this.openThen.push(...this.open);
  }

  lose(thread: number): void {
    this.up.delete(thread);
    this.open.delete(thread);
    this.acceptors.threadLost(thread);
  }

  stand(thread: number): void {
    this.up.add(thread);
    this.acceptors.threadStands(thread);
  }

  get listening(): string {
    return [...this.open].sort().join();
  }
}

/** Whatever waits for promises alone has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const test = suite('acceptors');

test('both threads are lost almost at once, in every order of their return: both listen again', async () => {
  for (const order of [[1, 2], [2, 1]] as const) {
    const threads = new Threads();
    await threads.acceptors.start();
    for (const thread of [1, 2]) threads.lose(thread);
    assert.is(threads.listening, '');
    for (const thread of order) threads.stand(thread);
    await settled();
    assert.is(threads.listening, '1,2');
    assert.equal(threads.gaveUp, []);
  }
});

test('a thread that is lost while it opens, again and again, listens in the end', async () => {
  const threads = new Threads();
  await threads.acceptors.start();
  threads.slow = true;
  threads.lose(1);
  threads.lose(2);
  for (let loss = 0; loss < 100; loss++) {
    threads.stand(1 + (loss % 2));
    threads.lose(1 + (loss % 2));
  }
  threads.slow = false;
  threads.stand(1);
  threads.stand(2);
  await settled();
  assert.is(threads.listening, '1,2');
  assert.equal(threads.gaveUp, []);
});

test('a replacement cannot listen: the others end before that is said, so that a new start finds the port free', async () => {
  const threads = new Threads();
  await threads.acceptors.start();
  threads.lose(2);
  threads.unable = 2;
  threads.stand(2);
  await settled();
  assert.equal(threads.gaveUp, ['Error: no descriptors left']);
  assert.equal(threads.openThen, []);
  threads.unable = 0;
  await threads.acceptors.start();
  assert.is(threads.listening, '1,2');
});

test('a refusal is no loss of a thread: it is said although one was lost before', async () => {
  const threads = new Threads();
  await threads.acceptors.start();
  threads.lose(2);
  threads.stand(2);
  await settled();
  threads.stand(2);
  await settled();
  assert.equal(threads.gaveUp, ['Error: thread 2 cannot accept connections']);
});

test.run();
