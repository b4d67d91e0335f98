/** All consumers of a load. */
import type { Load } from '../scenario/load.ts';
import { addressOf } from './addresses.ts';
import { callAt, pause } from './clock.ts';
import { CHANNEL } from './connection.ts';
import { Consumer } from './consumer.ts';
import { idled } from './exit-watch.ts';
import { createHistogram, encodeHistogram } from './latency.ts';
import type { Subscription } from './layout.ts';
import type { Plan } from './orders.ts';
import { Poller } from './poller.ts';
import { catchUp } from './queue-calls.ts';
import type { LatencyWindow, Receiver } from './receiver.ts';
import type { Side } from './side-role.ts';

/** `slowStart`: between two consumers. */
const SLOW_START_MS = 1_000;

export async function openConsumers(urls: readonly string[], { load, layout }: Plan, fail: (error: unknown) => void): Promise<Side> {
  const isTimed = load.ratePerSecond !== undefined || load.rateSteps !== undefined || load.timed === true;
  // Without a window every message counts, those too that were there before.
  const isOpen = load.timed === true;
  const histogram = createHistogram();
  let hear: ((latencyNs: number) => void) | undefined;
  const latency: LatencyWindow | undefined = isTimed
    ? { histogram, fromNs: isOpen ? 0 : Infinity, toNs: Infinity, counted: (latencyNs) => hear?.(latencyNs) }
    : undefined;
  const { subscriptions } = layout;
  const channels = load.consumerChannels ?? 1;
  const receivers: Receiver[] = [];
  for (let index = 0; index < load.consumers; index += 1) {
    const own = Array.from({ length: channels }, (_, nth) => subscriptions[(index * channels + nth) % subscriptions.length] as Subscription);
    const settling = own[0]?.settling ?? load.settling;
    const options = { ...load, stampPlace: load.bodies === undefined ? undefined : ('header' as const), settling, latency: settling === 'reject' ? undefined : latency };
    receivers.push(await (load.pollingIntervalMs === undefined ? Consumer : Poller).open(addressOf(urls, index, load.allocation), own, options));
  }
  const isDelayed = load.consumerStartDelaySeconds !== undefined;
  const ending = new Set<Receiver>();
  const ended = new Set<Receiver>();
  const asking = new Set<Receiver>();
  // The end of its connection may be faster than what it settled last: it ends once the broker has read that.
  const end = async (receiver: Receiver): Promise<void> => {
    if (ending.has(receiver)) return;
    ending.add(receiver);
    for (let index = 0; index < channels; index += 1) await catchUp(receiver.connection, CHANNEL + index);
    ended.add(receiver);
  };
  const watch = (): void => {
    const { exitWhen } = load;
    if (exitWhen !== undefined) for (const receiver of receivers) idled(receiver, exitWhen, { ending, asking }).then(() => end(receiver)).catch(fail);
  };
  let isSubscribed = false;
  const subscribe = async (): Promise<void> => {
    await subscribeAll(receivers, load);
    isSubscribed = true;
  };
  if (!isDelayed) await subscribe();
  const counting = receivers.filter(({ counts }) => counts);
  const each = (load.messagesPerConsumer ?? Infinity) * channels;
  return {
    total: () => counting.reduce((total, { received }) => total + Math.min(each, received), 0),
    confirmed: () => 0,
    refused: () => 0,
    returned: () => 0,
    timed: isTimed,
    hear: (listener) => {
      hear = listener;
    },
    isDone: () => {
      if (!isSubscribed) return false;
      for (const receiver of counting) if (receiver.received >= each && !asking.has(receiver)) end(receiver).catch(fail);
      return counting.length > 0 && counting.every((receiver) => ended.has(receiver));
    },
    heat: () => undefined,
    run: ({ startNs, fromNs, toNs }) => {
      if (latency !== undefined && !isOpen) Object.assign(latency, { fromNs, toNs });
      if (isDelayed) callAt(startNs + (load.consumerStartDelaySeconds ?? 0) * 1e9, () => void subscribe().then(watch, fail));
      else callAt(startNs, watch);
    },
    finish: () => {
      for (const receiver of receivers) receiver.drop();
      return Promise.resolve(encodeHistogram(histogram));
    },
  };
}

async function subscribeAll(receivers: readonly Receiver[], { consumerChannels = 1, slowStart = false }: Load): Promise<void> {
  for (const receiver of receivers) {
    for (let index = 0; index < consumerChannels; index += 1) {
      await receiver.subscribe(index);
      if (slowStart) await pause(SLOW_START_MS);
    }
  }
}
