/**
 * Methods as octets and back, driven by the method table.
 *
 *     payload of a method frame:  | class u16 | method u16 | field | field | ...
 *
 * Publishes and settles, which come by the hundred thousand, have readers of their own (publish-scanner.ts, settle-scanner.ts).
 */
import type { FieldTable } from '../broker/field-table.ts';
import { refuse, ReplyCode } from '../broker/refusal.ts';
import { amqpError, NO_METHOD, toAmqpError, truncateReplyText, type AmqpError, type MethodId } from './amqp-error.ts';
import { ERROR_SNIPPET_BYTES_MAX, FRAME_OVERHEAD_SIZE } from './bounds.ts';
import { readTable, tableSize, writeTable } from './field-table-codec.ts';
import { FRAME_END, FrameType, writeFrameHeader } from './frame.ts';
import { METHODS, methodKey, type FieldType, type Method, type MethodName } from './method-table.ts';
import { TRUNCATED, WireReader } from './wire-reader.ts';
import { isMalformedText, textSize, writeLongstr, writeShortstr } from './wire-text.ts';

type WireField = { readonly name: string; readonly type: FieldType; readonly reserved: boolean };
type WireMethod = MethodId & { readonly name: MethodName; readonly fields: readonly WireField[] };
const NO_BYTES = new Uint8Array(0);
type Value = number | boolean | string | Uint8Array | FieldTable;

const WIRE_METHODS: ReadonlyMap<string, WireMethod> = new Map(
  (Object.keys(METHODS) as MethodName[]).map((name) => {
    const { classId, methodId, fields } = METHODS[name];
    const wireFields = Object.entries(fields).map(([field, type]): WireField => ({ name: field, type, reserved: field.startsWith('reserved') }));
    return [name, { name, classId, methodId, fields: wireFields }];
  }),
);
const WIRE_METHOD_BY_KEY: ReadonlyMap<number, WireMethod> = new Map(
  [...WIRE_METHODS.values()].map((method) => [methodKey(method.classId, method.methodId), method]),
);

/** The name of the method with these numbers, for logs and for methods that are not decoded. */
export function methodName(classId: number, methodId: number): MethodName | undefined {
  return WIRE_METHOD_BY_KEY.get(methodKey(classId, methodId))?.name;
}

/** The numbers that an error names as the failing method. */
export function methodIdOf(name: MethodName): MethodId {
  return WIRE_METHODS.get(name) ?? NO_METHOD;
}

/**
 * The method in the payload from `offset` to `end`. Never throws: octets that are no method are an error, hard except for a
 * delivery tag that no server ever gave out.
 */
export function decodeMethod(buffer: Buffer, offset: number, end: number): Method | AmqpError {
  if (end - offset < 4) return amqpError(ReplyCode.frameError, cannotDecode(buffer, offset, end));
  const classId = buffer.readUInt16BE(offset);
  const methodId = buffer.readUInt16BE(offset + 2);
  const wireMethod = WIRE_METHOD_BY_KEY.get(methodKey(classId, methodId));
  if (wireMethod === undefined) return amqpError(ReplyCode.commandInvalid, 'unimplemented method', { classId, methodId });
  return decodeFieldsOf(wireMethod, new WireReader(buffer, offset + 4, end));
}

function decodeFieldsOf(wireMethod: WireMethod, reader: WireReader): Method | AmqpError {
  const start = reader.offset;
  const method: Record<string, Value> = { name: wireMethod.name };
  let bits = 0;
  let bitIndex = 0;
  for (const field of wireMethod.fields) {
    let value: Value;
    if (field.type === 'bit') {
      if (bitIndex === 0) bits = reader.octet();
      value = ((bits >> bitIndex) & 1) === 1;
      bitIndex = (bitIndex + 1) % 8;
    } else {
      bitIndex = 0;
      value = readField(reader, field.type);
    }
    if (!field.reserved) method[field.name] = value;
  }
  if (reader.failure === TRUNCATED || (reader.failure === undefined && reader.offset < reader.end)) {
    return amqpError(ReplyCode.frameError, cannotDecode(reader.buffer, start, reader.end), wireMethod);
  }
  return reader.failure === undefined ? (method as Method) : toAmqpError(reader.failure, wireMethod);
}

const MALFORMED_UTF8 = refuse(ReplyCode.frameError, 'Malformed UTF-8 in shortstr');

function readField(reader: WireReader, type: Exclude<FieldType, 'bit'>): Value {
  switch (type) {
    case 'octet':
      return reader.octet();
    case 'short':
      return reader.short();
    case 'long':
      return reader.long();
    case 'longlong':
      return readDeliveryTag(reader);
    case 'shortstr': {
      const text = reader.shortstr();
      if (isMalformedText(text)) reader.fail(MALFORMED_UTF8);
      return text;
    }
    case 'longstr':
      return reader.longstr();
    case 'table':
      return readTable(reader);
  }
}

/** All longlongs of methods are delivery tags; one that a number cannot hold was never given out (RabbitMQ's answer to such). */
function readDeliveryTag(reader: WireReader): number {
  const tag = reader.longlong();
  if (tag > Number.MAX_SAFE_INTEGER) reader.fail(refuse(ReplyCode.preconditionFailed, `unknown delivery tag ${tag}`));
  return Number(tag);
}

/** RabbitMQ's words, which show the octets as Erlang does. */
function cannotDecode(buffer: Buffer, start: number, end: number): string {
  const shown = buffer.subarray(start, Math.min(end, start + ERROR_SNIPPET_BYTES_MAX));
  return `cannot decode <<${shown.join(',')}${end - start > shown.length ? ',...' : ''}>>`;
}

/** Octets of the whole frame that carries `method`. */
export function methodFrameSize(method: Method): number {
  return FRAME_OVERHEAD_SIZE + payloadSize(wireMethodOf(method), method as ReadableFields);
}

/**
 * The whole frame that carries `method`, end octet included. Reply texts are cut to what a short string holds; any other text
 * of more than 255 octets is our fault and throws a RangeError, because a cut length would let its rest pass for more fields.
 */
export function encodeMethodFrame(channel: number, method: Method): Buffer {
  const frame = Buffer.allocUnsafe(methodFrameSize(method));
  writeMethodFrame(frame, 0, channel, method);
  return frame;
}

/** Writes the whole frame at `offset` and answers the offset after it. The room was measured with `methodFrameSize`. */
export function writeMethodFrame(buffer: Buffer, offset: number, channel: number, method: Method): number {
  const wireMethod = wireMethodOf(method);
  const size = payloadSize(wireMethod, method as ReadableFields);
  let next = writeFrameHeader(buffer, offset, FrameType.method, channel, size);
  next = buffer.writeUInt16BE(wireMethod.classId, next);
  next = buffer.writeUInt16BE(wireMethod.methodId, next);
  next = writeFields(buffer, next, wireMethod, method as ReadableFields);
  buffer[next] = FRAME_END;
  return next + 1;
}

type ReadableFields = { readonly [name: string]: Value };

function wireMethodOf(method: Method): WireMethod {
  return WIRE_METHODS.get(method.name)!;
}

/** The value that goes on the wire; undefined for a reserved field, which is written as nothing. */
function wireValue(method: ReadableFields, field: WireField): Value | undefined {
  if (field.reserved) return undefined;
  const value = method[field.name];
  return field.name === 'replyText' ? truncateReplyText(value as string) : value;
}

function payloadSize(wireMethod: WireMethod, method: ReadableFields): number {
  let size = 4;
  let bitIndex = 0;
  for (const field of wireMethod.fields) {
    if (field.type === 'bit') {
      if (bitIndex === 0) size += 1;
      bitIndex = (bitIndex + 1) % 8;
    } else {
      bitIndex = 0;
      size += fieldSize(field.type, wireValue(method, field));
    }
  }
  return size;
}

function fieldSize(type: Exclude<FieldType, 'bit'>, value: Value | undefined): number {
  switch (type) {
    case 'octet':
      return 1;
    case 'short':
      return 2;
    case 'long':
      return 4;
    case 'longlong':
      return 8;
    case 'shortstr':
      return 1 + textSize((value as string | undefined) ?? '');
    case 'longstr':
      return 4 + ((value as Uint8Array | undefined)?.length ?? 0);
    case 'table':
      return tableSize(value as FieldTable);
  }
}

function writeFields(buffer: Buffer, offset: number, wireMethod: WireMethod, method: ReadableFields): number {
  let next = offset;
  let bitIndex = 0;
  for (const field of wireMethod.fields) {
    const value = wireValue(method, field);
    if (field.type === 'bit') {
      if (bitIndex === 0) buffer[next++] = 0;
      if (value === true) buffer[next - 1]! |= 1 << bitIndex;
      bitIndex = (bitIndex + 1) % 8;
    } else {
      bitIndex = 0;
      next = writeField(buffer, next, field.type, value);
    }
  }
  return next;
}

function writeField(buffer: Buffer, offset: number, type: Exclude<FieldType, 'bit'>, value: Value | undefined): number {
  switch (type) {
    case 'octet':
      return buffer.writeUInt8((value as number | undefined) ?? 0, offset);
    case 'short':
      return buffer.writeUInt16BE((value as number | undefined) ?? 0, offset);
    case 'long':
      return buffer.writeUInt32BE((value as number | undefined) ?? 0, offset);
    case 'longlong':
      return buffer.writeBigUInt64BE(BigInt((value as number | undefined) ?? 0), offset);
    case 'shortstr':
      return writeShortstr(buffer, offset, (value as string | undefined) ?? '');
    case 'longstr':
      return writeLongstr(buffer, offset, (value as Uint8Array | undefined) ?? NO_BYTES);
    case 'table':
      return writeTable(buffer, offset, value as FieldTable);
  }
}
