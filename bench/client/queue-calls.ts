/** The calls around a measurement: declare, inspect and delete queues, subscribe, ask for confirms. */
import { randomBytes } from 'node:crypto';
import { CHANNEL, type Connection } from './connection.ts';
import { methodFrame, MethodId, shortString, u16, u32, u8 } from './wire.ts';

const NO_ARGUMENTS = u32(0);
const PASSIVE_BIT = 1;
const DURABLE_BIT = 2;
const NO_ACK_BIT = 2;

/** A name that no queue has. */
export function freshQueueName(): string {
  return `bench.${randomBytes(6).toString('hex')}`;
}

export async function declareQueue(connection: Connection, queue: string, durable: boolean): Promise<void> {
  const bits = u8(durable ? DURABLE_BIT : 0);
  const declare = methodFrame(CHANNEL, MethodId.queueDeclare, u16(0), shortString(queue), bits, NO_ARGUMENTS);
  await connection.call(declare, MethodId.queueDeclareOk);
}

/** How many messages are ready in a queue. */
export async function queueDepth(connection: Connection, queue: string): Promise<number> {
  const declare = methodFrame(CHANNEL, MethodId.queueDeclare, u16(0), shortString(queue), u8(PASSIVE_BIT), NO_ARGUMENTS);
  const declareOk = await connection.call(declare, MethodId.queueDeclareOk);
  return declareOk.readUInt32BE(1 + (declareOk[0] as number));
}

export async function deleteQueue(connection: Connection, queue: string): Promise<void> {
  await connection.call(methodFrame(CHANNEL, MethodId.queueDelete, u16(0), shortString(queue), u8(0)), MethodId.queueDeleteOk);
}

/** `prefetch` of 0 means no limit. */
export async function subscribe(connection: Connection, queue: string, automaticAck: boolean, prefetch: number): Promise<void> {
  if (prefetch > 0) {
    await connection.call(methodFrame(CHANNEL, MethodId.basicQos, u32(0), u16(prefetch), u8(0)), MethodId.basicQosOk);
  }
  const bits = u8(automaticAck ? NO_ACK_BIT : 0);
  const consume = methodFrame(CHANNEL, MethodId.basicConsume, u16(0), shortString(queue), shortString('c'), bits, NO_ARGUMENTS);
  await connection.call(consume, MethodId.basicConsumeOk);
}

export async function selectConfirms(connection: Connection): Promise<void> {
  await connection.call(methodFrame(CHANNEL, MethodId.confirmSelect, u8(0)), MethodId.confirmSelectOk);
}
