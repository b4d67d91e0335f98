/** A broker (or the one of LEVERET_TEST_URL) behind a tap, a channel to look into its queues with, and PerfTest's command lines run against it. */
import { connect, type Channel, type ChannelModel, type GetMessage } from 'amqplib';
import { readFlags } from '../../bench/perf-test/perf-test-flags.ts';
import { perfTestOptions } from '../../bench/perf-test/perf-test-options.ts';
import { runPerfTest, type PerfTestResult } from '../../bench/perf-test/perf-test-run.ts';
import { testBroker, type TestBroker } from './broker.ts';
import { withinDeadline } from './deadline.ts';
import { tapWire, type WireTap } from './wire-tap.ts';

const RUN_LIMIT_MS = 120_000;

export type Run = { readonly lines: readonly string[]; readonly tap: WireTap; readonly result: PerfTestResult };

export class PerfTestBench {
  readonly broker: TestBroker;
  readonly channel: Channel;
  readonly #model: ChannelModel;

  static async open(): Promise<PerfTestBench> {
    const broker = await testBroker();
    const model = await connect(broker.url);
    return new PerfTestBench(broker, model, await model.createChannel());
  }

  private constructor(broker: TestBroker, model: ChannelModel, channel: Channel) {
    this.broker = broker;
    this.#model = model;
    this.channel = channel;
  }

  /** Runs a command line, words parted by spaces, through a tap; without an address it is this broker's. Rejects with what would be complained about. */
  async run(line: string): Promise<Run> {
    const tap = await tapWire(this.broker.url);
    const lines: string[] = [];
    try {
      const read = readFlags(line.split(' '), () => 0);
      if ('problem' in read) throw new Error(read.problem);
      const made = perfTestOptions({ uri: [tap.url], ...read.given }, 'test-1');
      if ('problem' in made) throw new Error(made.problem);
      const stop = new AbortController();
      const result = await withinDeadline(runPerfTest(made.options, (text) => lines.push(text), stop.signal), line, RUN_LIMIT_MS).finally(() => stop.abort());
      return { lines, tap, result };
    } finally {
      await tap.close();
    }
  }

  /** A durable queue with so many messages of 12 bytes. */
  async fill(queue: string, messages: number): Promise<void> {
    await this.channel.assertQueue(queue);
    const body = Buffer.alloc(12);
    for (let index = 0; index < messages; index += 1) this.channel.sendToQueue(queue, body);
    // What is asked on the same channel is answered behind them.
    await this.depth(queue);
  }

  async depth(queue: string): Promise<number> {
    return (await this.channel.checkQueue(queue)).messageCount;
  }

  /** Everything that is ready in a queue, taken out of it. */
  async drain(queue: string): Promise<GetMessage[]> {
    const messages: GetMessage[] = [];
    for (let next = await this.channel.get(queue, { noAck: true }); next !== false; next = await this.channel.get(queue, { noAck: true })) messages.push(next);
    return messages;
  }

  async close(): Promise<void> {
    await this.#model.close();
    await this.broker.close();
  }
}
