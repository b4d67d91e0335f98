/**
 * The address of a broker, read from an AMQP URI (RabbitMQ's "URI Specification"): absent user, password, port and virtual host
 * fall back to guest, guest, 5672 and "/"; `amqp://host/` names the empty virtual host.
 */
export type BrokerUrl = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly virtualHost: string;
};

const DEFAULT_PORT = 5672;

/** Throws a TypeError for anything that is not `amqp://...`: the load tool speaks no TLS. */
export function parseBrokerUrl(text: string): BrokerUrl {
  if (!/^amqp:\/\//i.test(text)) throw new TypeError(`not an amqp:// address: ${text}`);
  const url = new URL(text.replace(/^amqp:/i, 'amqp:'));
  return {
    host: url.hostname === '' ? '127.0.0.1' : url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    user: url.username === '' ? 'guest' : decodeURIComponent(url.username),
    password: url.password === '' ? 'guest' : decodeURIComponent(url.password),
    virtualHost: url.pathname === '' ? '/' : decodeURIComponent(url.pathname.slice(1)),
  };
}
