import { connect } from 'node:net';
import { socketPath } from '../file/socket-path.ts';

/** An answer may be this long, bytes. */
export const ANSWER_SIZE_MAX = 67_108_864;

export type LineOutcome =
  | { readonly answered: true; readonly line: string }
  /** Nobody listens there, or whoever does has not answered in time or in form. */
  | { readonly answered: false; readonly why: 'absent' | 'forbidden' | 'silent' };

/** Asks who serves lines on the socket `name` in `directory`, and waits `timeoutMs` for the answer. Never rejects. */
export function askLine(directory: string, name: string, line: string, timeoutMs: number): Promise<LineOutcome> {
  const address = socketPath(directory, name);
  if (address === undefined) return Promise.resolve({ answered: false, why: 'absent' });
  return new Promise<LineOutcome>((resolve) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    const socket = connect(address.path);
    const timer = setTimeout(() => finish({ answered: false, why: 'silent' }), timeoutMs);
    const finish = (outcome: LineOutcome): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    socket.on('connect', () => socket.write(`${line}\n`));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => finish({ answered: false, why: reasonOf(code) }));
    socket.on('end', () => finish({ answered: false, why: 'silent' }));
    socket.on('data', (chunk: Buffer) => {
      const end = chunk.indexOf(0x0a);
      sizeBytes += chunk.length;
      chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
      if (end >= 0) finish({ answered: true, line: Buffer.concat(chunks).toString('utf8') });
      else if (sizeBytes > ANSWER_SIZE_MAX) finish({ answered: false, why: 'silent' });
    });
  }).finally(() => address.release());
}

function reasonOf(code: string | undefined): 'absent' | 'forbidden' | 'silent' {
  if (code === 'EACCES' || code === 'EPERM') return 'forbidden';
  return code === 'ECONNRESET' || code === 'EPIPE' ? 'silent' : 'absent';
}
