/**
 * A message's way from the socket's bytes to its queues: checked, routed, written into shared memory once, and told to each
 * queue by reference. One a channel.
 *
 * The order of the checks is rabbit_channel's: size, permission, exchange, topic permission, reply-to, user-id, expiration,
 * headers and delivery mode; each closes the channel.
 */
import { EMPTY_TABLE, type FieldTable } from '../../broker/field-table.ts';
import { NO_PROPERTIES } from '../../broker/exchange/exchange.ts';
import { isTimeline } from '../../broker/exchange/delayed-exchange.ts';
import { type Refusal, ReplyCode, refuse } from '../../broker/refusal.ts';
import { addExtraRoutingKeys } from '../../broker/topology/router.ts';
import { FRAME_HEADER_SIZE, FRAME_END, FrameType } from '../frame.ts';
import { toAmqpError } from '../amqp-error.ts';
import { PropertyFlag, deliveryMode, propertyFlags, validateHeader } from '../content-header.ts';
import { NO_BLIND_KEYS, blindKeysOf } from '../blind-keys.ts';
import { type BasicProperties, decodeProperties, isRefusedHeader, replaceProperties } from '../basic-properties.ts';
import { notePublished } from '../message-times.ts';
import { encodeMethodFrame, methodIdOf } from '../method-codec.ts';
import { IMMEDIATE_BIT, MANDATORY_BIT, type PublishScan } from '../publish-scanner.ts';
import {
  BLIND,
  BODY_SIZE,
  FLAGS,
  HEADER_SIZE,
  KEY_SIZE,
  PERSISTENT,
  PLACE,
  RECORD_HEAD_SIZE,
  SIZE,
  SHARED,
  SPLIT,
  headerFrameOffset,
  splitRecordSize,
  wireRecordSize,
} from '../stored-message.ts';
import { FRAME_OVERHEAD_SIZE } from '../bounds.ts';
import { SHORT_COPY_MAX, copyShort } from '../short-copy.ts';
import type { ChannelPort } from './channel-port.ts';
import type { Channel } from './channel.ts';
import { REPLY_TO_PREFIX, REPLY_TO_QUEUE } from './direct-reply.ts';
import { RouteCache, exchangeOf, routingKeyOf, type Route } from './route-cache.ts';

/** Properties that decide nothing: a header with no others needs no second look. */
const HARMLESS = PropertyFlag.deliveryMode;
/** Properties that need more than a walk over their bytes. */
const CAREFUL = PropertyFlag.headers | PropertyFlag.replyTo | PropertyFlag.expiration | PropertyFlag.userId;

/** Properties beside headers that an exchange may look at. */
const ROUTING = PropertyFlag.correlationId | PropertyFlag.messageId | PropertyFlag.timestamp;

const PUBLISH = methodIdOf('basic.publish');
/** `expiration` is a number of milliseconds in digits, at most what RabbitMQ takes. */
const EXPIRATION_MAX_MS = 315_360_000_000;

export class Publisher {
  readonly #port: ChannelPort;
  readonly #channel: Channel;
  readonly #routes: RouteCache;
  /** Where the last publish went, if one that repeats it needs no second look; whether it is persistent; as of which version of the topology. */
  #lastRoute: Route | undefined = undefined;
  #lastPersistent = 0;
  #lastVersion = -1;

  constructor(channel: Channel, port: ChannelPort, routes: RouteCache) {
    this.#channel = channel;
    this.#port = port;
    this.#routes = routes;
  }

  /** A whole message in one piece. The hot path. */
  publish(buffer: Buffer, scan: PublishScan): void {
    const last = this.#lastRoute;
    if (scan.repeated && last !== undefined && this.#lastVersion === this.#port.topology.version) {
      const address = this.#store(buffer, scan, this.#lastPersistent, last.links.length);
      if (address !== 0) this.#channel.accept(address, last);
      return;
    }
    this.#lastRoute = undefined;
    const { keyStart, keySize, headerFrame, headerSize, bits } = scan;
    const header = headerFrame + FRAME_HEADER_SIZE;
    const flags = (buffer[header + 12]! << 8) | buffer[header + 13]!;
    if ((flags & ~HARMLESS) !== 0 || (bits & IMMEDIATE_BIT) !== 0 || isReplyKey(buffer, keyStart, keySize)) {
      this.#publishCarefully(buffer, scan);
      return;
    }
    let persistent = 0;
    if (flags !== 0) {
      const mode = buffer[header + 14]!;
      if (headerSize !== 15 || mode === 0 || mode > 2) return this.#publishCarefully(buffer, scan);
      if (mode === 2) persistent = PERSISTENT;
    } else if (headerSize !== 14) return this.#publishCarefully(buffer, scan);
    const found = this.#routes.find(buffer, keyStart, keySize);
    if (found.refusal !== undefined || found.unrouted) {
      this.#publishCarefully(buffer, scan);
      return;
    }
    this.#remember(found, persistent);
    const address = this.#store(buffer, scan, persistent, found.links.length);
    if (address !== 0) this.#channel.accept(address, found);
  }

  /** Writes a message that lies in wire form in `buffer`. Answers 0, and has closed the connection, without memory. */
  #store(buffer: Buffer, { view, keyStart, keySize, headerSize, bodySize }: PublishScan, flags: number, leases: number): number {
    const { memory } = this.#port;
    const size = wireRecordSize(keySize, headerSize, bodySize);
    const address = memory.allocate(size, leases);
    if (address === 0) {
      this.#exhausted();
      return 0;
    }
    const ints = memory.intsOf(address);
    const record = memory.byteOffsetOf(address);
    const word = record >> 2;
    ints[word + SIZE] = size;
    ints[word + KEY_SIZE] = keySize;
    ints[word + HEADER_SIZE] = headerSize;
    ints[word + BODY_SIZE] = bodySize;
    ints[word + FLAGS] = leases > 1 ? flags | SHARED : flags;
    ints[word + PLACE] = 0;
    // In words, whose last one may reach beyond the key: what is there comes next. On the wire one octet of bits stands between them.
    const key = word + RECORD_HEAD_SIZE / 4;
    for (let at = 0; at < keySize; at += 4) ints[key + (at >> 2)] = view.getInt32(keyStart + at, true);
    const keyEnd = keyStart + keySize + 1;
    const rest = size - RECORD_HEAD_SIZE - keySize;
    if (rest <= SHORT_COPY_MAX) copyShort(view, keyEnd, memory.viewOf(address), record + RECORD_HEAD_SIZE + keySize, rest);
    else buffer.copy(memory.bytesOf(address), record + RECORD_HEAD_SIZE + keySize, keyEnd, keyEnd + rest);
    return address;
  }

  #exhausted(): void {
    const refusal = refuse(ReplyCode.resourceError, 'no memory left for messages');
    this.#port.fail(this.#channel.number, toAmqpError(refusal, PUBLISH));
  }

  /** The same with every check, for what has properties, no route, or a fault. */
  #publishCarefully(buffer: Buffer, scan: PublishScan): void {
    const { keyStart, keySize, headerFrame, headerSize, bodySize, bits } = scan;
    const header = headerFrame + FRAME_HEADER_SIZE;
    const checked = this.#check(buffer, keyStart, keySize, bits, header, header + headerSize);
    if (checked === undefined) return;
    if (checked.header !== undefined) {
      const address = this.#storeParts(buffer, keyStart, keySize, checked.header, bodySize, checked.persistent, checked.blind);
      if (address === 0) return;
      if (bodySize > 0) {
        const ints = this.#port.memory.intsOf(address);
        const record = this.#port.memory.byteOffsetOf(address);
        const body = header + headerSize + FRAME_OVERHEAD_SIZE;
        const at = record + splitRecordSize(keySize, checked.header.length, 0);
        buffer.copy(this.#port.memory.bytesOf(address), at, body, body + bodySize);
        ints[(record >> 2) + FLAGS]! |= SPLIT;
      }
      this.finish(address, bits, checked);
      return;
    }
    this.#remember(checked.route, checked.persistent);
    const address = this.#store(buffer, scan, checked.persistent, 1);
    if (address !== 0) this.finish(address, bits, checked);
  }

  /** What was decided of this publish holds for each that repeats it, unless it is about more than bytes and topology. */
  #remember(route: Checked['route'], persistent: number): void {
    if (route.dependsOnMore || route.unrouted || route.delayed || route.token !== undefined) return;
    this.#lastRoute = route;
    this.#lastPersistent = persistent;
    this.#lastVersion = this.#port.topology.version;
  }

  /** Checks what stands in the header frame's payload, and routes. Undefined: refused, and the channel is closed. */
  #check(buffer: Buffer, keyStart: number, keySize: number, bits: number, header: number, end: number): Checked | undefined {
    if ((bits & IMMEDIATE_BIT) !== 0) return this.#refuse(refuse(ReplyCode.notImplemented, 'immediate=true'));
    const broken = validateHeader(buffer, header, end);
    if (broken !== undefined) return this.#refuse(broken);
    const flags = propertyFlags(buffer, header);
    const mode = (flags & PropertyFlag.deliveryMode) === 0 ? 1 : deliveryMode(buffer, header, end);
    const persistent = mode === 2 ? PERSISTENT : 0;
    if ((flags & CAREFUL) === 0) {
      const found = isReplyKey(buffer, keyStart, keySize)
        ? this.#replyRoute(buffer, keyStart)
        : this.#routes.find(buffer, keyStart, keySize);
      if (found.dependsOnMore && (flags & ROUTING) !== 0) return this.#checkProperties(buffer, keyStart, bits, header, end, mode, persistent);
      if (found.refusal !== undefined) return this.#refuse(found.refusal);
      if (mode !== 1 && mode !== 2) return this.#refuse(unknownMode(mode));
      return { route: found, persistent, header: undefined, blind: NO_BLIND_KEYS };
    }
    return this.#checkProperties(buffer, keyStart, bits, header, end, mode, persistent);
  }

  #checkProperties(
    buffer: Buffer,
    keyStart: number,
    bits: number,
    header: number,
    end: number,
    mode: number,
    persistent: number,
  ): Checked | undefined {
    const properties = decodeProperties(buffer, header, end);
    if (isRefusedHeader(properties)) return this.#refuse(properties);
    const routingKey = routingKeyOf(buffer, keyStart);
    const routingKeys = [routingKey];
    const headers = properties.headers ?? EMPTY_TABLE;
    const extra = properties.headers === undefined ? undefined : addExtraRoutingKeys(headers, routingKeys);
    const exchange = exchangeOf(buffer, keyStart);
    const isReply = exchange === '' && routingKey.startsWith(REPLY_TO_PREFIX);
    const found = isReply ? this.#replyRoute(buffer, keyStart) : this.#routes.computeKey(buffer, keyStart, routingKeys, properties);
    if (found.refusal !== undefined) return this.#refuse(found.refusal);
    const reply = this.#replyTo(properties);
    const refusal =
      (typeof reply === 'object' ? reply : undefined) ??
      this.#checkUser(properties) ??
      checkExpiration(properties) ??
      extra ??
      (mode !== 1 && mode !== 2 ? unknownMode(mode) : undefined);
    if (refusal !== undefined) return this.#refuse(refusal);
    // What would find no queue now goes back now: later there is nobody to give it back to.
    const isReturned = found.delayed && (bits & MANDATORY_BIT) !== 0 && !this.#routes.reaches(exchange, routingKeys, properties);
    const route = isReturned ? { ...found, links: [], unrouted: true } : found;
    // Who holds a message back needs all of its routing keys, and takes BCC out when he routes it.
    const keepsBcc = found.delayed && found.links.every(({ queue }) => isTimeline(queue));
    const changed = changedProperties(properties, keepsBcc ? EMPTY_TABLE : headers, typeof reply === 'string' ? reply : undefined);
    return {
      route: properties.expiration === undefined ? route : { ...route, timed: true, expiring: true },
      persistent,
      header: changed === undefined ? undefined : replaceProperties(buffer.subarray(header, end), changed),
      blind: keepsBcc ? NO_BLIND_KEYS : blindKeysOf(headers),
    };
  }

  #refuse(refusal: Refusal): undefined {
    this.#port.fail(this.#channel.number, toAmqpError(refusal, PUBLISH));
    return undefined;
  }

  /** The name that replaces `amq.rabbitmq.reply-to`, undefined for any other, or why not. */
  #replyTo(properties: BasicProperties): string | Refusal | undefined {
    if (properties.replyTo !== REPLY_TO_QUEUE) return undefined;
    const name = this.#channel.replyName;
    return name ?? refuse(ReplyCode.preconditionFailed, 'fast reply consumer does not exist');
  }

  #checkUser(properties: BasicProperties): Refusal | undefined {
    const { user } = this.#port.who;
    if (properties.userId === undefined || properties.userId === user) return undefined;
    return refuse(
      ReplyCode.preconditionFailed,
      `user_id property set to '${properties.userId}' but authenticated user was '${user}'`,
    );
  }

  /** A reply goes past queues to whom its routing key names; publishing to the default exchange must be allowed. */
  #replyRoute(buffer: Buffer, keyStart: number): Route & { readonly token?: string } {
    const opened = this.#routes.compute('', [], NO_PROPERTIES);
    if (opened.refusal !== undefined) return opened;
    return { ...opened, token: routingKeyOf(buffer, keyStart).slice(REPLY_TO_PREFIX.length) };
  }

  /** The record of a message that comes in pieces: everything but the body, which follows bare. One lease. */
  begin(key: Buffer, header: Buffer, bodySize: number): number {
    return this.#storeParts(key, 0, key.length, header, bodySize, SPLIT);
  }

  #storeParts(
    buffer: Buffer,
    keyStart: number,
    keySize: number,
    header: Buffer,
    bodySize: number,
    flags: number,
    blind = NO_BLIND_KEYS,
  ): number {
    const { memory } = this.#port;
    const size = splitRecordSize(keySize, header.length, bodySize) + blind.length;
    const address = memory.allocate(size, 1);
    if (address === 0) {
      this.#exhausted();
      return 0;
    }
    const ints = memory.intsOf(address);
    const record = memory.byteOffsetOf(address);
    const word = record >> 2;
    ints[word + SIZE] = size;
    ints[word + KEY_SIZE] = keySize;
    ints[word + HEADER_SIZE] = header.length;
    ints[word + BODY_SIZE] = bodySize;
    ints[word + FLAGS] = blind.length === 0 ? flags : flags | SPLIT | BLIND;
    ints[word + PLACE] = 0;
    const bytes = memory.bytesOf(address);
    buffer.copy(bytes, record + RECORD_HEAD_SIZE, keyStart, keyStart + keySize);
    blind.copy(bytes, record + size - blind.length);
    const frame = record + headerFrameOffset(keySize);
    bytes[frame - 1] = FRAME_END;
    bytes[frame] = FrameType.header;
    bytes.writeUInt32BE(header.length, frame + 3);
    header.copy(bytes, frame + FRAME_HEADER_SIZE);
    bytes[frame + FRAME_HEADER_SIZE + header.length] = FRAME_END;
    return address;
  }

  /** All pieces have come: checks and routes what stands in the record. */
  complete(address: number, key: Buffer, header: Buffer, bits: number): void {
    const checked = this.#check(Buffer.concat([key, header]), 0, key.length, bits, key.length, key.length + header.length);
    const { memory } = this.#port;
    if (checked === undefined) {
      memory.release(address);
      return;
    }
    if (checked.header === undefined) {
      memory.intsOf(address)[(memory.byteOffsetOf(address) >> 2) + FLAGS]! |= checked.persistent;
      this.finish(address, bits, checked);
      return;
    }
    this.#completeChanged(address, key, bits, checked, checked.header);
  }

  /** The header came out different (a reply-to was filled in, a BCC taken out): the message is written anew. */
  #completeChanged(address: number, key: Buffer, bits: number, checked: Checked, header: Buffer): void {
    const { memory } = this.#port;
    const bodySize = memory.intsOf(address)[(memory.byteOffsetOf(address) >> 2) + BODY_SIZE]!;
    const oldHeaderSize = memory.intsOf(address)[(memory.byteOffsetOf(address) >> 2) + HEADER_SIZE]!;
    const changed = this.#storeParts(key, 0, key.length, header, bodySize, SPLIT | checked.persistent, checked.blind);
    if (changed !== 0) {
      const from = memory.byteOffsetOf(address) + splitRecordSize(key.length, oldHeaderSize, 0);
      const to = memory.byteOffsetOf(changed) + splitRecordSize(key.length, header.length, 0);
      memory.bytesOf(address).copy(memory.bytesOf(changed), to, from, from + bodySize);
      this.finish(changed, bits, checked);
    }
    memory.release(address);
  }

  /** The record stands, with one lease: on to the queues, or back to the client. */
  finish(address: number, bits: number, checked: Checked): void {
    const { route } = checked;
    const { memory } = this.#port;
    if (route.token !== undefined) {
      this.#port.reply(route.token, address);
      this.#channel.acceptUnrouted();
      return;
    }
    const { links } = route;
    const isReturned = route.unrouted && (bits & MANDATORY_BIT) !== 0;
    if (links.length === 0) return this.#channel.unroutable(address, isReturned);
    const leases = isReturned ? links.length + 1 : links.length;
    if (leases > 1) {
      memory.lease(address, leases - 1);
      memory.intsOf(address)[(memory.byteOffsetOf(address) >> 2) + FLAGS]! |= SHARED;
    }
    if (isReturned) this.#channel.giveBack(address);
    this.#channel.accept(address, route);
  }

  /** The time of the message begins. Before a queue has heard of it. */
  notePublished(address: number): void {
    notePublished(this.#port.memory, address, this.#port.nowMs());
  }

  /** basic.return with the message's content; ends its lease. */
  returnToClient(address: number): void {
    const { memory, writer } = this.#port;
    const bytes = memory.bytesOf(address);
    const key = memory.byteOffsetOf(address) + RECORD_HEAD_SIZE;
    const method = encodeMethodFrame(this.#channel.number, {
      name: 'basic.return',
      replyCode: ReplyCode.noRoute,
      replyText: 'NO_ROUTE',
      exchange: exchangeOf(bytes, key),
      routingKey: routingKeyOf(bytes, key),
    });
    if (writer.content(this.#channel.number, method, address)) this.#port.holdUntilTaken(address);
    memory.release(address);
  }
}

export type Checked = {
  readonly route: Route & { readonly token?: string };
  readonly persistent: number;
  /** Another header than the client sent. */
  readonly header: Buffer | undefined;
  /** The keys of BCC. Only with another header. */
  readonly blind: Buffer;
};

/** Whether a key is that of a direct reply: the default exchange and a routing key that begins with its prefix. */
function isReplyKey(buffer: Buffer, keyStart: number, keySize: number): boolean {
  // 'amq.rabbitmq.reply-to.' is 22 octets: `00 | length | amq.rabbitmq...`; look at three of them first.
  if (keySize < 25 || buffer[keyStart] !== 0 || buffer[keyStart + 2] !== 0x61 || buffer[keyStart + 6] !== 0x72) return false;
  return buffer.toString('latin1', keyStart + 2, keyStart + 2 + REPLY_TO_PREFIX.length) === REPLY_TO_PREFIX;
}

function unknownMode(mode: number): Refusal {
  return refuse(ReplyCode.preconditionFailed, `invalid message: {delivery_mode_unknown,${mode}}`);
}

function checkExpiration({ expiration }: BasicProperties): Refusal | undefined {
  if (expiration === undefined) return undefined;
  if (!/^[+-]?[0-9]+$/.test(expiration)) {
    const rest = /^[+-]?[0-9]+/.exec(expiration)?.[0];
    const why = rest === undefined ? 'no_integer' : `{leftover_string,"${expiration.slice(rest.length)}"}`;
    return refuse(ReplyCode.preconditionFailed, `invalid expiration '${expiration}': ${why}`);
  }
  const value = Number(expiration);
  if (value < 0) {
    return refuse(ReplyCode.preconditionFailed, `invalid expiration '${expiration}': {value_negative,${value}}`);
  }
  if (value > EXPIRATION_MAX_MS) {
    return refuse(ReplyCode.preconditionFailed, `invalid expiration '${expiration}': {value_too_large,${expiration}}`);
  }
  return undefined;
}

/** The properties as consumers see them, when they differ from what the publisher sent: BCC is nobody's to see. */
function changedProperties(
  properties: BasicProperties,
  headers: FieldTable,
  replyTo: string | undefined,
): BasicProperties | undefined {
  const isBlind = headers.has('BCC');
  if (replyTo === undefined && !isBlind) return undefined;
  const shown = new Map(isBlind ? headers : properties.headers);
  if (isBlind) shown.delete('BCC');
  return {
    ...properties,
    ...(properties.headers === undefined ? {} : { headers: shown }),
    ...(replyTo === undefined ? {} : { replyTo }),
  };
}
