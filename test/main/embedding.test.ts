import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createBroker } from '../../src/main/index.ts';

const BROKERS = 10;
const embedding = suite('createBroker');
const folder = mkdtempSync(join(tmpdir(), 'leveret-embedding-'));
embedding.after(() => rmSync(folder, { recursive: true, force: true }));

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

embedding('ten brokers of one process have ports and temporary directories of their own, and leave nothing', async () => {
  const brokers = await Promise.all(Array.from({ length: BROKERS }, () => createBroker()));
  assert.is(new Set(brokers.map((broker) => broker.port)).size, BROKERS);
  assert.is(new Set(brokers.map((broker) => broker.dataDir)).size, BROKERS);
  for (const broker of brokers) {
    assert.match(broker.url, `:${broker.port}`);
    assert.ok(await accepts(broker.port));
    assert.ok(existsSync(broker.dataDir));
  }
  await Promise.all(brokers.map((broker) => broker.close()));
  for (const broker of brokers) {
    assert.not.ok(await accepts(broker.port));
    assert.not.ok(existsSync(broker.dataDir));
    await broker.close();
  }
});

embedding('a directory that was given is kept, refused while in use, and free after the close', async () => {
  const dataDir = join(folder, 'kept');
  const first = await createBroker({ dataDir });
  let refusal = '';
  await createBroker({ dataDir }).catch((error: unknown) => (refusal = String(error)));
  assert.match(refusal, 'is in use by another broker of this process');
  await first.close();
  assert.ok(existsSync(join(dataDir, 'schema')));
  const second = await createBroker({ dataDir });
  await second.close();
});

embedding('a broker that cannot start leaves no directory', async () => {
  const taken = await createBroker();
  let refusal = '';
  await createBroker({ port: taken.port, dataDir: join(folder, 'other') }).catch((error: unknown) => (refusal = String(error)));
  assert.match(refusal, `127.0.0.1:${taken.port} is in use by another program`);
  const retried = await createBroker({ dataDir: join(folder, 'other') });
  await retried.close();
  await taken.close();
});

embedding.run();
