/**
 * The socket edge alone, over the loopback: how many small frames a second can be taken in and passed on, what a round trip
 * costs, which block size and which way of reading large bodies is best.
 *
 *   node bench/micro/socket.ts            all scenarios, medians of several runs
 *   node bench/micro/socket.ts forward    the scenarios whose name has that word
 *
 * The peer (flooding, echoing, counting) is a process of its own, so that figures for processor time are those of our side.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { systemClock } from '../../native-free-io/clock.ts';
import { BlockPool } from '../../native-free-io/socket/block-pool.ts';
import { READ_BUFFER_SIZE_BYTES } from '../../native-free-io/socket/inbound.ts';
import type { ReadMode } from '../../native-free-io/socket/inbound.ts';
import { listen } from '../../native-free-io/socket/listener.ts';
import { SocketTransport } from '../../native-free-io/socket/socket-transport.ts';
import type { TransportEvents } from '../../native-free-io/socket/transport.ts';

const FRAME_SIZE_BYTES = 130;
const RUNS = 5;

/** What one run of a scenario found. */
type Figures = Readonly<Record<string, number>>;
type Scenario = { readonly name: string; run(): Promise<Figures> };

/** How the peer behaves; passed to it as its arguments. */
type PeerTask = { readonly kind: 'forward' | 'flood' | 'ping'; readonly writeSizeBytes: number; readonly totalBytes: number };

if (process.send !== undefined) await servePeer();
else await runAll(process.argv.slice(2));

/** The peer: floods the given number of bytes, or pings; counts what comes back and reports when it is complete. */
async function servePeer(): Promise<void> {
  const task = JSON.parse(process.argv[2] ?? '{}') as PeerTask & { port: number };
  const socket = connect(task.port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  if (task.kind === 'ping') process.send?.(await ping(socket, task.totalBytes));
  else {
    let backBytes = 0;
    socket.on('data', (chunk: Buffer) => {
      backBytes += chunk.length;
      if (backBytes === task.totalBytes) socket.end();
    });
    const chunk = Buffer.alloc(task.writeSizeBytes, 1);
    for (let sentBytes = 0; sentBytes < task.totalBytes; sentBytes += chunk.length) {
      if (!socket.write(chunk)) await once(socket, 'drain');
    }
    if (task.kind === 'flood') socket.end();
  }
  await once(socket, 'close');
  process.disconnect();
}

async function ping(socket: Socket, count: number): Promise<Figures> {
  const message = Buffer.alloc(200, 1);
  const samplesUs: number[] = [];
  for (let round = 0; round < count; round += 1) {
    const startedAt = performance.now();
    socket.write(message);
    await once(socket, 'data');
    samplesUs.push((performance.now() - startedAt) * 1_000);
  }
  socket.end();
  samplesUs.sort((a, b) => a - b);
  return { p50Us: samplesUs[count >> 1] ?? 0, p99Us: samplesUs[Math.floor(count * 0.99)] ?? 0 };
}

/** One connection with a peer; answers when the peer has closed. `attend` is given the transport before it starts. */
async function converse(
  task: PeerTask,
  options: { readonly readMode?: ReadMode; readonly blockSizeBytes?: number },
  attend: (transport: SocketTransport) => Pick<TransportEvents, 'onBytes' | 'onUncongested'>,
): Promise<Figures> {
  const accepted = Promise.withResolvers<Socket>();
  const listener = await listen({ host: '127.0.0.1', port: 0, onSocket: accepted.resolve });
  if (!listener.listening) throw new Error(listener.message);
  const peer: ChildProcess = fork(import.meta.filename, [JSON.stringify({ ...task, port: listener.port })]);
  let reported: Figures = {};
  peer.on('message', (figures) => (reported = figures as Figures));
  const { blockSizeBytes, ...rest } = options;
  const pool = new BlockPool(blockSizeBytes);
  const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_SIZE_BYTES);
  const transport = new SocketTransport(await accepted.promise, { pool, readBuffer, clock: systemClock, ...rest });
  const startedAt = performance.now();
  const cpuAtStart = process.cpuUsage();
  const closed = Promise.withResolvers<void>();
  transport.start({ ...attend(transport), onTaken: () => {}, onClosed: () => closed.resolve() });
  await closed.promise;
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpu = process.cpuUsage(cpuAtStart);
  listener.close();
  if (peer.connected) await once(peer, 'exit');
  if (task.kind === 'ping') return { ...reported, cpuUsPerRound: (cpu.user + cpu.system) / task.totalBytes };
  return {
    framesPerSecond: task.totalBytes / FRAME_SIZE_BYTES / seconds,
    megabytesPerSecond: task.totalBytes / 1e6 / seconds,
    cpuMsPerGigabyte: (cpu.user + cpu.system) / 1e3 / (task.totalBytes / 1e9),
    blocksCreated: pool.createdCount,
  };
}

/** Copies every frame into the outbound, as a frame writer would, and flushes once a read. */
function forwarder(transport: SocketTransport): Pick<TransportEvents, 'onBytes' | 'onUncongested'> {
  const outbound = transport.outbound;
  let partialBytes = 0;
  return {
    onBytes: (buffer, length) => {
      let from = 0;
      while (from < length) {
        const size = Math.min(FRAME_SIZE_BYTES - partialBytes, length - from);
        const at = outbound.reserve(size);
        const target = outbound.buffer;
        for (let index = 0; index < size; index += 1) target[at + index] = buffer[from + index] as number;
        outbound.commit(at + size);
        from += size;
        partialBytes = (partialBytes + size) % FRAME_SIZE_BYTES;
      }
      outbound.flush();
      if (outbound.congested) transport.pause();
    },
    onUncongested: () => transport.resume(),
  };
}

/** Large bodies into shared memory: copied from the read buffer, or read in place in pieces of a frame. */
function bodyReader(transport: SocketTransport, direct: boolean, frameSizeBytes: number): Pick<TransportEvents, 'onBytes' | 'onUncongested'> {
  const memory = new Uint8Array(new SharedArrayBuffer(1 << 20));
  const between = Buffer.alloc(8);
  let at = 0;
  const readBody = (): void => {
    if (at + frameSizeBytes > memory.length) at = 0;
    transport.readInto(memory.subarray(at, at + frameSizeBytes - between.length), readBetween);
    at += frameSizeBytes;
  };
  const readBetween = (): void => transport.readInto(between, readBody);
  return {
    onBytes: (buffer, length) => {
      if (direct) {
        readBody();
        return;
      }
      if (at + length > memory.length) at = 0;
      memory.set(buffer.subarray(0, length), at);
      at += length;
    },
    onUncongested: () => {},
  };
}

function scenarios(): Scenario[] {
  const forwardBytes = FRAME_SIZE_BYTES * 126 * 24_000;
  const forward = (name: string, options: Parameters<typeof converse>[1]): Scenario => ({
    name: `forward ${name}`,
    run: () => converse({ kind: 'forward', writeSizeBytes: FRAME_SIZE_BYTES * 126, totalBytes: forwardBytes }, options, forwarder),
  });
  const body = (name: string, direct: boolean, sizeBytes: number): Scenario => ({
    name: `body of ${sizeBytes / 1024} KiB ${name}`,
    run: () =>
      converse({ kind: 'flood', writeSizeBytes: sizeBytes, totalBytes: sizeBytes * Math.floor(2e9 / sizeBytes) }, {}, (transport) =>
        bodyReader(transport, direct, Math.min(sizeBytes, 128 * 1024)),
      ),
  });
  return [
    forward('reused', {}),
    forward('data', { readMode: 'data' }),
    ...[16, 32, 128, 256, 1024].map((kib) => forward(`block ${kib} KiB`, { blockSizeBytes: kib * 1024 })),
    ...(['reused', 'data'] as const).map((readMode) => ({
      name: `echo 200 B ${readMode}`,
      run: () => converse({ kind: 'ping', writeSizeBytes: 200, totalBytes: 20_000 }, { readMode }, forwarder),
    })),
    ...[64 * 1024, 1024 * 1024].flatMap((size) => [body('copied', false, size), body('in place', true, size)]),
  ];
}

async function runAll(words: readonly string[]): Promise<void> {
  const chosen = scenarios().filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  const results = new Map<string, Figures[]>();
  // Interleaved, so that a busy moment of the machine does not fall on one scenario alone.
  for (let run = 0; run < RUNS; run += 1) {
    for (const scenario of chosen) results.set(scenario.name, [...(results.get(scenario.name) ?? []), await scenario.run()]);
  }
  for (const [name, runs] of results) {
    const keys = Object.keys(runs[0] ?? {});
    const medians = keys.map((key) => `${key} ${median(runs.map((figures) => figures[key] ?? 0)).toLocaleString('en', { maximumFractionDigits: 1 })}`);
    process.stdout.write(`${name.padEnd(28)} ${medians.join('  ')}\n`);
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
