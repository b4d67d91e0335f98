/** Stands between clients and a broker, passes everything on, and writes down every frame that goes by. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export type SeenFrame = {
  /** Of the connection, counted from 0 as they were opened. */
  readonly connection: number;
  readonly from: 'client' | 'broker';
  /** 1 method, 2 header, 3 body, 8 heartbeat. */
  readonly type: number;
  readonly channel: number;
  /** Class and method as one number; 0 for other frames. */
  readonly methodId: number;
  /** Without class and method. */
  readonly payload: Buffer;
  /** On the clock of this process, ms. */
  readonly atMs: number;
};

export type WireTap = {
  readonly url: string;
  readonly frames: readonly SeenFrame[];
  /** The methods of this kind, in the order in which they passed. */
  methods(methodId: number): SeenFrame[];
  close(): Promise<void>;
};

const PROTOCOL_HEADER_BYTES = 8;
const FRAME_HEADER_BYTES = 7;
const FRAME_END_BYTES = 1;

/** `brokerUrl`: amqp://host:port, without more. */
export async function tapWire(brokerUrl: string): Promise<WireTap> {
  const { hostname, port } = new URL(brokerUrl.replace(/^amqp:/, 'http:'));
  const frames: SeenFrame[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((client) => {
    const connection = connections;
    connections += 1;
    const broker = connect(Number(port), hostname);
    pass(client, broker, reader(frames, connection, 'client', PROTOCOL_HEADER_BYTES));
    pass(broker, client, reader(frames, connection, 'broker', 0));
    for (const socket of [client, broker]) sockets.add(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `amqp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    frames,
    methods: (methodId) => frames.filter((frame) => frame.type === 1 && frame.methodId === methodId),
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function pass(from: Socket, to: Socket, read: (chunk: Buffer) => void): void {
  from.on('data', (chunk: Buffer) => {
    read(chunk);
    to.write(chunk);
  });
  from.on('error', () => to.destroy());
  from.on('close', () => to.destroy());
}

/** Cuts a stream into frames; `skipBytes` stand before the first. */
function reader(frames: SeenFrame[], connection: number, from: SeenFrame['from'], skipBytes: number): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  let toSkip = skipBytes;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    if (rest.length < toSkip) return;
    rest = rest.subarray(toSkip);
    toSkip = 0;
    while (rest.length >= FRAME_HEADER_BYTES) {
      const end = FRAME_HEADER_BYTES + rest.readUInt32BE(3);
      if (rest.length < end + FRAME_END_BYTES) return;
      const type = rest[0] as number;
      const payload = Buffer.from(rest.subarray(FRAME_HEADER_BYTES, end));
      const methodId = type === 1 ? payload.readUInt32BE(0) : 0;
      frames.push({ connection, from, type, channel: rest.readUInt16BE(1), methodId, payload: type === 1 ? payload.subarray(4) : payload, atMs: performance.now() });
      rest = rest.subarray(end + FRAME_END_BYTES);
    }
  };
}
