/** All consumers of a load. */
import type { Load } from '../scenario/load.ts';
import { addressOf } from './addresses.ts';
import { callAt, pause } from './clock.ts';
import { Consumer } from './consumer.ts';
import { idled } from './exit-watch.ts';
import { createHistogram, encodeHistogram } from './latency.ts';
import type { Subscription } from './layout.ts';
import type { Plan } from './orders.ts';
import { Poller } from './poller.ts';
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
  const idle = new Set<Receiver>();
  const watch = (): void => {
    const { exitWhen } = load;
    if (exitWhen !== undefined) for (const receiver of receivers) idled(receiver, exitWhen).then(() => idle.add(receiver), fail);
  };
  if (!isDelayed) await subscribeAll(receivers, load);
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
    isDone: () => counting.length > 0 && counting.every((receiver) => receiver.received >= each || idle.has(receiver)),
    heat: () => undefined,
    run: ({ startNs, fromNs, toNs }) => {
      if (latency !== undefined && !isOpen) Object.assign(latency, { fromNs, toNs });
      if (isDelayed) callAt(startNs + (load.consumerStartDelaySeconds ?? 0) * 1e9, () => void subscribeAll(receivers, load).then(watch, fail));
      else callAt(startNs, watch);
    },
    finish: () => {
      for (const receiver of receivers) receiver.drop();
      return encodeHistogram(histogram);
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
