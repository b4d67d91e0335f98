/** An inspection as lines for a terminal, and as an object for JSON. */
import type { Inspection } from './inspection.ts';
import type { MessageView } from './message-view.ts';
import { NOTHING_STORED, type StoredQueue, type StoredQueues } from './stored-queues.ts';

/** Lines of one list; JSON has all. */
export const LINES_SHOWN_MAX = 100;

export type QueueMessages = ReturnType<StoredQueues['messages']>;

export function inspectionText(inspection: Inspection): string {
  const { directory, version, state, fileBytes, format, moving, definitions, sharedSegments, faults } = inspection;
  const { vhosts, users, exchanges, queues, bindings } = definitions;
  const lines = [
    `data directory   ${directory}, version ${version}`,
    `node             ${state}`,
    format === null ? 'store            empty' : `store            ${fileBytes} bytes, format ${format}${damagesOf(inspection)}`,
    ...journalLines(inspection),
    ...(moving ? ['                 the node wrote while it was read: figures are of different moments'] : []),
    ...faults.map((fault) => `                 ${fault}`),
    `shared bodies    ${sharedSegments} segments`,
    ...list('virtual hosts', vhosts.map((name) => name)),
    ...list('users', users.map(({ name, tags }) => `${name}${tags.length === 0 ? '' : `  ${tags.join(', ')}`}`)),
    ...list('exchanges', exchanges.map(({ vhost, name, type }) => `${name}  ${type}${inVhost(vhost)}`)),
    ...list('bindings', bindings.map(({ vhost, source, destinationKind, destination, routingKey }) =>
      `${source} -> ${destinationKind} ${destination}  by '${routingKey}'${inVhost(vhost)}`)),
    ...list('queues', queues.map(({ id, vhost, name }) => `${name}${inVhost(vhost)}  ${queueFigures(inspection, id)}`)),
  ];
  const strays = straysOf(inspection);
  lines.push(...(strays.length === 0 ? [] : list('not defined', strays.map(([id]) => `id ${id}  ${queueFigures(inspection, id)}`))));
  return `${lines.join('\n')}\n`;
}

function journalLines({ journal }: Inspection): string[] {
  if (journal === null) return [];
  const torn = journal.torn ? ', and one that is not whole' : '';
  return [`journal          ${journal.records} records of ${journal.bytes} bytes that are not in the database yet${torn}`];
}

/** Of queues that are not defined. */
function straysOf({ definitions, stored }: Pick<Inspection, 'definitions' | 'stored'>): [number, StoredQueue][] {
  const known = new Set(definitions.queues.map(({ id }) => id));
  return [...stored].filter(([id]) => !known.has(id));
}

function damagesOf({ stored, faults, moving }: Inspection): string {
  if (moving) return '';
  const damaged = [...stored.values()].filter(({ damage }) => damage !== null).length;
  if (damaged === 0 && faults.length === 0) return ', sound';
  return damaged === 0 ? ', with faults' : `, ${damaged} damaged ${damaged === 1 ? 'queue' : 'queues'}`;
}

function queueFigures({ stored }: Inspection, id: number): string {
  const { messages, bytes, segments, redelivered, damage } = stored.get(id) ?? NOTHING_STORED;
  const again = redelivered === null ? '' : `, ${redelivered} redelivered`;
  const figures = `${messages} messages, ${bytes} bytes in ${segments} segments${again}`;
  return damage === null ? figures : `${figures}\n    DAMAGED: ${damage}`;
}

function inVhost(vhost: string): string {
  return vhost === '/' ? '' : `  in ${vhost}`;
}

function list(title: string, items: readonly string[]): string[] {
  const shown = items.slice(0, LINES_SHOWN_MAX).map((item) => `  ${printable(item)}`);
  if (items.length > shown.length) shown.push(`  and ${items.length - shown.length} more (--json has all)`);
  return [`${title.padEnd(16)} ${items.length}`, ...shown];
}

export function messagesText(messages: QueueMessages): string {
  return messages.map((message) => `${printable('damage' in message ? `${message.position}  DAMAGED: ${message.damage}` : messageLine(message))}\n`).join('');
}

function messageLine({ position, redelivered, deliveries, exchange, routingKey, properties, bodyBytes, body }: MessageView): string {
  const again = redelivered ? `, redelivered${deliveries > 0 ? ` (${deliveries})` : ''}` : '';
  const start = 'text' in body ? JSON.stringify(body.text) : `hex ${body.hex}`;
  return `${position}  ${bodyBytes} bytes${again}  '${exchange}' by '${routingKey}'  ${JSON.stringify(properties)}  ${start}`;
}

/** Names come from clients: what would steer a terminal is shown instead. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

export function inspectionJson({ definitions, stored, ...rest }: Inspection): unknown {
  const queues = definitions.queues.map((queue) => ({ ...queue, ...(stored.get(queue.id) ?? NOTHING_STORED) }));
  const undefinedQueues = straysOf({ definitions, stored }).map(([id, queue]) => ({ id, ...queue }));
  return { ...rest, ...definitions, queues, undefinedQueues };
}
