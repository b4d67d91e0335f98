/** The sink as a process: `node bench/sink/server.ts [body bytes]`; with body bytes it invents messages, without it forwards. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Session, type Outlets, type SinkMode } from './session.ts';

const bodyBytes = process.argv[2];
const mode: SinkMode = bodyBytes === undefined ? { kind: 'forward' } : { kind: 'invent', bodyBytes: Number(bodyBytes) };
const outlets: Outlets = new Map();

function serve(socket: Socket): void {
  const session = new Session(mode, outlets, socket);
  socket.on('data', (chunk: Buffer) => {
    if (!session.take(chunk)) socket.pause();
  });
  socket.on('error', () => socket.destroy());
}

const server = createServer({ noDelay: true }, serve);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`amqp://guest:guest@127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
