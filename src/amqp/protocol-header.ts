/**
 * The first eight octets of a connection: `AMQP`, then the protocol and its version (AMQP 0-9-1, section 2.2.4 "Protocol
 * Header"; the other forms as RabbitMQ 3.13 reads them).
 *
 *     'A' 'M' 'Q' 'P'  0  0  9  1      0-9-1
 *     'A' 'M' 'Q' 'P'  1  1  0  9      0-9, which differs in nothing that matters here
 *
 * Any other octets are answered with the header that is spoken here, and the connection ends. Two kinds of stray visitor
 * would make nothing of that answer and get none: an HTTP client, and a TLS client on the plain port.
 */

export const PROTOCOL_HEADER_SIZE = 8;

/** The header that a client should have sent. Shared, so nobody may write into it. */
export const PROTOCOL_HEADER: Uint8Array = Uint8Array.of(0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1);

export type ProtocolHeader =
  | { readonly kind: 'spoken' }
  /** Answer with PROTOCOL_HEADER and end the connection. */
  | { readonly kind: 'unspoken'; readonly reason: string }
  /** End the connection without an answer. */
  | { readonly kind: 'stray'; readonly reason: string };

/** `octets` are the first PROTOCOL_HEADER_SIZE of the connection. */
export function readProtocolHeader(octets: Uint8Array): ProtocolHeader {
  const text = String.fromCharCode(...octets.subarray(0, PROTOCOL_HEADER_SIZE));
  if (text === 'AMQP\x00\x00\x09\x01' || text === 'AMQP\x01\x01\x00\x09') return { kind: 'spoken' };
  if (text.startsWith('GET ')) return { kind: 'stray', reason: 'an HTTP request came to the AMQP port' };
  // A handshake record (0x16) of any TLS version (0x03) with a ClientHello (0x01) in it.
  if (text.startsWith('\x16\x03') && text.charCodeAt(5) === 0x01) return { kind: 'stray', reason: 'a TLS client came to the plain AMQP port' };
  if (text.startsWith('AMQP')) return { kind: 'unspoken', reason: `protocol version ${octets.slice(4, 8).join('-')} is not spoken here` };
  return { kind: 'unspoken', reason: 'the connection did not begin with an AMQP header' };
}
