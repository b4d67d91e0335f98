/**
 * The command line around a node that only listens, so that the command line's own behaviour is tested by itself:
 * `node fake-node.ts start ...`. The variable FAKE_CLOSE=hang makes its close never end, FAKE_CLOSE=fail makes it reject.
 */
import { createServer } from 'node:net';
import { main } from '../../../src/main/cli.ts';
import { startCommand } from '../../../src/main/command/start.ts';
import type { StartNode } from '../../../src/main/held-node.ts';

const startNode: StartNode = async (config, log) => {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.port, config.host, resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  log.info({ password: 'canary-password', url: 'amqp://guest:canary-url@localhost' }, 'connecting to amqp://guest:canary-text@localhost');
  return {
    host: config.host,
    port,
    url: `amqp://${config.host}:${port}`,
    schedulers: config.schedulers,
    liveTree: () => Promise.reject(new Error('this node has no tree')),
    fault: () => {},
    stats: () => Promise.reject(new Error('there are none')),
    profiling: { start: async () => {}, finish: async () => [] },
    threadsLost: () => 0,
    restartQueue: () => Promise.reject(new Error('it has no queues')),
    close: () => {
      if (process.env['FAKE_CLOSE'] === 'hang') return new Promise(() => undefined);
      if (process.env['FAKE_CLOSE'] === 'fail') return Promise.reject(new Error('the disk is gone'));
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};

await main(process.argv.slice(2), [startCommand(() => Promise.resolve(startNode))]);
