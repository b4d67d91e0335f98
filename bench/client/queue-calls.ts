/** The calls around a measurement: declare, bind, inspect and delete queues, subscribe, ask for confirms. */
import { randomBytes } from 'node:crypto';
import { CHANNEL, type Connection } from './connection.ts';
import { encodeTable, type Fields } from './field-table.ts';
import { methodFrame, MethodId, shortString, u16, u32, u8 } from './wire.ts';

const NO_ARGUMENTS = u32(0);
const PASSIVE_BIT = 1;
const DURABLE_BIT = 2;
const EXCLUSIVE_BIT = 4;
const AUTO_DELETE_BIT = 8;
const NO_ACK_BIT = 2;

/** What a queue is declared with. An empty name lets the broker choose one. */
export type QueueWish = {
  readonly name: string;
  readonly durable: boolean;
  readonly autoDelete?: boolean;
  /** Of this connection alone, and gone with it. */
  readonly exclusive?: boolean;
  readonly arguments?: Fields | undefined;
  /** Only when there is none of this name; one that is there may be any. */
  readonly ifAbsent?: boolean;
};

/** A name that no queue has; all are of one length. */
export function freshQueueName(): string {
  return `bench.${randomBytes(6).toString('hex')}`;
}

/** The queue's name. */
export async function declareQueueAs(connection: Connection, wish: QueueWish): Promise<string> {
  if (wish.ifAbsent === true && (await isQueueThere(connection, wish.name))) return wish.name;
  const bits = (wish.durable ? DURABLE_BIT : 0) | (wish.exclusive === true ? EXCLUSIVE_BIT : 0) | (wish.autoDelete === true ? AUTO_DELETE_BIT : 0);
  const fields = wish.arguments === undefined ? NO_ARGUMENTS : encodeTable(wish.arguments);
  const declare = methodFrame(CHANNEL, MethodId.queueDeclare, u16(0), shortString(wish.name), u8(bits), fields);
  const declareOk = await connection.call(declare, MethodId.queueDeclareOk);
  return declareOk.toString('utf8', 1, 1 + (declareOk[0] as number));
}

export async function declareQueue(connection: Connection, queue: string, durable: boolean, fields?: Fields): Promise<void> {
  await declareQueueAs(connection, { name: queue, durable, arguments: fields });
}

export async function declareExchange(connection: Connection, exchange: string, type: string): Promise<void> {
  await connection.call(exchangeDeclareFrame(CHANNEL, exchange, type, 0), MethodId.exchangeDeclareOk);
}

/** Whether there is an exchange of this name, of whatever type. */
export function isExchangeThere(connection: Connection, exchange: string): Promise<boolean> {
  return connection.finds((channel) => exchangeDeclareFrame(channel, exchange, '', PASSIVE_BIT), MethodId.exchangeDeclareOk);
}

function exchangeDeclareFrame(channel: number, exchange: string, type: string, bits: number): Buffer {
  return methodFrame(channel, MethodId.exchangeDeclare, u16(0), shortString(exchange), shortString(type), u8(bits), NO_ARGUMENTS);
}

export async function deleteExchange(connection: Connection, exchange: string): Promise<void> {
  await connection.call(methodFrame(CHANNEL, MethodId.exchangeDelete, u16(0), shortString(exchange), u8(0)), MethodId.exchangeDeleteOk);
}

export async function bindQueue(connection: Connection, queue: string, exchange: string, routingKey: string): Promise<void> {
  const names = [shortString(queue), shortString(exchange), shortString(routingKey)];
  await connection.call(methodFrame(CHANNEL, MethodId.queueBind, u16(0), ...names, u8(0), NO_ARGUMENTS), MethodId.queueBindOk);
}

/** How many messages are ready in a queue. */
export async function queueDepth(connection: Connection, queue: string): Promise<number> {
  const declareOk = await connection.call(passiveDeclareFrame(CHANNEL, queue), MethodId.queueDeclareOk);
  return declareOk.readUInt32BE(1 + (declareOk[0] as number));
}

function isQueueThere(connection: Connection, queue: string): Promise<boolean> {
  return connection.finds((channel) => passiveDeclareFrame(channel, queue), MethodId.queueDeclareOk);
}

function passiveDeclareFrame(channel: number, queue: string): Buffer {
  return methodFrame(channel, MethodId.queueDeclare, u16(0), shortString(queue), u8(PASSIVE_BIT), NO_ARGUMENTS);
}

/** Takes one message out of a queue that is not empty, and settles it. */
export async function takeOne(connection: Connection, queue: string): Promise<void> {
  await connection.call(methodFrame(CHANNEL, MethodId.basicGet, u16(0), shortString(queue), u8(1)), MethodId.basicGetOk);
}

export async function deleteQueue(connection: Connection, queue: string): Promise<void> {
  await connection.call(methodFrame(CHANNEL, MethodId.queueDelete, u16(0), shortString(queue), u8(0)), MethodId.queueDeleteOk);
}

/** `prefetch` of 0 means no limit; `shared`: for all consumers of the channel together, and not for each. */
export async function limitPrefetch(connection: Connection, prefetch: number, shared: boolean, channel: number): Promise<void> {
  if (prefetch === 0) return;
  await callQos(connection, prefetch, shared, channel);
}

/** Answers once the broker has dealt with everything that was written on the channel before: what it asks for changes nothing. */
export async function catchUp(connection: Connection, channel: number): Promise<void> {
  await callQos(connection, 0, false, channel);
}

async function callQos(connection: Connection, prefetch: number, shared: boolean, channel: number): Promise<void> {
  await connection.call(methodFrame(channel, MethodId.basicQos, u32(0), u16(prefetch), u8(shared ? 1 : 0)), MethodId.basicQosOk);
}

export async function subscribe(connection: Connection, queue: string, automaticAck: boolean, prefetch: number, channel = CHANNEL): Promise<void> {
  await limitPrefetch(connection, prefetch, false, channel);
  await consumeQueue(connection, queue, automaticAck, channel, 'c');
}

export async function consumeQueue(connection: Connection, queue: string, automaticAck: boolean, channel: number, consumerTag: string, fields?: Fields): Promise<void> {
  const bits = u8(automaticAck ? NO_ACK_BIT : 0);
  const table = fields === undefined ? NO_ARGUMENTS : encodeTable(fields);
  const consume = methodFrame(channel, MethodId.basicConsume, u16(0), shortString(queue), shortString(consumerTag), bits, table);
  await connection.call(consume, MethodId.basicConsumeOk);
}

export async function selectConfirms(connection: Connection, channel = CHANNEL): Promise<void> {
  await connection.call(methodFrame(channel, MethodId.confirmSelect, u8(0)), MethodId.confirmSelectOk);
}

export async function selectTransactions(connection: Connection, channel: number): Promise<void> {
  await connection.call(methodFrame(channel, MethodId.txSelect), MethodId.txSelectOk);
}

/** Ends the transaction of a channel; the broker's tx.commit-ok is heard by the connection's owner. */
export function commitFrame(channel: number): Buffer {
  return methodFrame(channel, MethodId.txCommit);
}
