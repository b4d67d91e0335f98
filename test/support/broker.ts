/**
 * The broker that a conformance test talks to: one started for the test file, or a running one named by the environment
 * variable LEVERET_TEST_URL, so that the same tests prove themselves against RabbitMQ.
 */
export type TestBroker = {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  close(): Promise<void>;
};

/** What this file needs of the composition root, named here so that the tests compile and run without it. */
type Composition = {
  readonly createBroker: (options: { readonly port: number }) => Promise<{ readonly url: string; close(): Promise<void> }>;
};

const COMPOSITION = new URL('../../src/main/index.ts', import.meta.url).href;

/**
 * A broker ready for clients. Errors: whatever createBroker throws.
 */
export async function testBroker(): Promise<TestBroker> {
  const running = process.env['LEVERET_TEST_URL'];
  if (running !== undefined) return brokerAt(running);
  const { createBroker } = (await import(COMPOSITION)) as Composition;
  const broker = await createBroker({ port: 0 });
  return describeBroker(broker.url, () => broker.close());
}

/** A broker that runs already, and goes on running when it is closed here. */
export function brokerAt(address: string): TestBroker {
  return describeBroker(address, () => Promise.resolve());
}

function describeBroker(address: string, close: () => Promise<void>): TestBroker {
  const url = new URL(address);
  return {
    url: address,
    // The brackets of an IPv6 address belong to the URL, not to the host.
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port === '' ? 5672 : url.port),
    user: url.username === '' ? 'guest' : decodeURIComponent(url.username),
    password: url.password === '' ? 'guest' : decodeURIComponent(url.password),
    close,
  };
}
