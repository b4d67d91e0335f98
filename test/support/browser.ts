/** A page in Debian's chromium, without a window, driven over its DevTools protocol. */
import { accessSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startChild } from '../main/support/child.ts';
import { withinDeadline } from './deadline.ts';

const CHROMIUM = '/usr/bin/chromium';
const SAID_ADDRESS = /DevTools listening on (ws:\S+)/;
/** A browser on a busy machine takes its time, milliseconds. */
const START_MS = 90_000;

export type Page = {
  /** The value of a JavaScript expression in the page; it must be plain data. Rejects with what the page threw. */
  value<T>(expression: string): Promise<T>;
  /** Errors of the page's scripts so far. */
  errors(): readonly string[];
  close(): Promise<void>;
};

/** Why there can be no page here; undefined: there can. */
export function browserMissing(): string | undefined {
  try {
    accessSync(CHROMIUM);
    return undefined;
  } catch {
    return 'the Debian package chromium is not installed';
  }
}

export async function openPage(path: string): Promise<Page> {
  const profile = mkdtempSync(join(tmpdir(), 'leveret-browser-'));
  const child = startChild(CHROMIUM, [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--remote-debugging-port=0',
    `--user-data-dir=${profile}`,
    'about:blank',
  ]);
  const end = async (): Promise<void> => {
    child.process.kill('SIGKILL');
    await child.ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  try {
    await withinDeadline(child.said('DevTools listening on'), 'the browser', START_MS);
    const wire = await Wire.open(SAID_ADDRESS.exec(child.stderr())![1]!);
    const { targetId } = await wire.call<{ targetId: string }>('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await wire.call<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true });
    const errors: string[] = [];
    wire.on('Runtime.exceptionThrown', (params) => errors.push(JSON.stringify(params)));
    const loaded = Promise.withResolvers<void>();
    wire.on('Page.loadEventFired', () => loaded.resolve());
    await wire.call('Runtime.enable', {}, sessionId);
    await wire.call('Page.enable', {}, sessionId);
    await wire.call('Page.navigate', { url: pathToFileURL(path).href }, sessionId);
    await withinDeadline(loaded.promise, 'the page');
    return {
      async value<T>(expression: string): Promise<T> {
        type Evaluated = { readonly result: { readonly value: T }; readonly exceptionDetails?: unknown };
        const { result, exceptionDetails } = await wire.call<Evaluated>('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true }, sessionId);
        if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
        return result.value;
      },
      errors: () => errors,
      close: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Chrome DevTools Protocol: calls with numbers, answers with the same, and events. */
class Wire {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  readonly #listeners = new Map<string, (params: unknown) => void>();
  #calls = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#read(String(data)));
  }

  static async open(address: string): Promise<Wire> {
    const socket = new WebSocket(address);
    const opened = Promise.withResolvers<void>();
    socket.addEventListener('open', () => opened.resolve());
    socket.addEventListener('error', () => opened.reject(new Error('the browser does not listen')));
    await withinDeadline(opened.promise, 'the browser');
    return new Wire(socket);
  }

  on(event: string, listener: (params: unknown) => void): void {
    this.#listeners.set(event, listener);
  }

  call<T>(method: string, params: object, sessionId?: string): Promise<T> {
    const id = ++this.#calls;
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }));
    const answered = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    return withinDeadline(answered as Promise<T>, method);
  }

  #read(text: string): void {
    const { id, method, params, result, error } = JSON.parse(text) as { id?: number; method?: string; params?: unknown; result?: unknown; error?: unknown };
    if (id === undefined) return this.#listeners.get(method ?? '')?.(params);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(JSON.stringify(error)));
  }
}
