/**
 * What stands in the history of an exchange goes to what was just bound to it: as copies, because each has a time of its own from
 * now on, and goes its own way in memory and store.
 */
import { addExtraRoutingKeys } from '../../broker/topology/router.ts';
import type { DestinationNode } from '../../broker/topology/topology-node.ts';
import type { QueueAnswer } from '../../broker/queue/queue-question.ts';
import { propertiesOf } from '../message-properties.ts';
import { expirationMs, notePublished } from '../message-times.ts';
import { FLAGS, type MessageMemory, PLACE, RECORD_HEAD_SIZE, SHARED, SIZE } from '../stored-message.ts';
import type { ChannelPort } from './channel-port.ts';
import { PublishMark, type QueueLink } from './queue-link.ts';
import { type RouteCache, routingKeyOf } from './route-cache.ts';

type Recalled = Extract<QueueAnswer, { type: 'recalled' }>;

/** Nobody waits for them any more. */
export function releaseRecalled(memory: Pick<MessageMemory, 'release'>, { addresses }: Recalled): void {
  for (const address of addresses) memory.release(address);
}

/** Publishes copies, oldest first, in the name of a channel, and ends the leases that came with the answer. */
export function replay(port: ChannelPort, routes: RouteCache, channel: number, destination: DestinationNode, recalled: Recalled): void {
  for (const address of recalled.addresses) {
    const links = destination.kind === 'queue' ? [port.links.to(destination.record)] : linksBehind(port, routes, destination, address);
    const copy = links.length === 0 ? 0 : copyOf(port.memory, address, links.length);
    if (copy === 0) continue;
    notePublished(port.memory, copy, port.nowMs());
    const isExpiring = expirationMs(port.memory, copy) !== Infinity;
    for (const link of links) port.links.publish(link, copy, channel, 0, isExpiring ? PublishMark.expiring : 0);
  }
  releaseRecalled(port.memory, recalled);
}

/** An exchange that is bound routes the message as if it came now. */
function linksBehind(port: ChannelPort, routes: RouteCache, exchange: Extract<DestinationNode, { kind: 'exchange' }>, address: number): readonly QueueLink[] {
  const { memory } = port;
  const properties = propertiesOf(memory, address);
  if (properties === undefined) return [];
  const routingKeys = [routingKeyOf(memory.bytesOf(address), memory.byteOffsetOf(address) + RECORD_HEAD_SIZE)];
  if (properties.headers !== undefined) addExtraRoutingKeys(properties.headers, routingKeys);
  return routes.behind(exchange, routingKeys, properties);
}

/** 0 without memory: then the message is not replayed. */
function copyOf(memory: MessageMemory, address: number, leases: number): number {
  const size = memory.intsOf(address)[(memory.byteOffsetOf(address) >> 2) + SIZE]!;
  const copy = memory.allocate(size, leases);
  if (copy === 0) return 0;
  const from = memory.byteOffsetOf(address);
  const to = memory.byteOffsetOf(copy);
  memory.bytesOf(address).copy(memory.bytesOf(copy), to, from, from + size);
  const ints = memory.intsOf(copy);
  ints[(to >> 2) + PLACE] = 0;
  ints[(to >> 2) + FLAGS] = (ints[(to >> 2) + FLAGS]! & ~SHARED) | (leases > 1 ? SHARED : 0);
  return copy;
}
