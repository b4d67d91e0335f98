/** All consumers of a load. */
import { Consumer, type LatencyWindow } from './consumer.ts';
import { createHistogram, encodeHistogram } from './latency.ts';
import type { Subscription } from './layout.ts';
import type { Plan } from './orders.ts';
import type { Side } from './side-role.ts';

export async function openConsumers(url: string, { load, layout }: Plan): Promise<Side> {
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
  const consumers: Consumer[] = [];
  for (let index = 0; index < load.consumers; index += 1) {
    const own = Array.from({ length: channels }, (_, nth) => subscriptions[(index * channels + nth) % subscriptions.length] as Subscription);
    const queues = own.map((subscription) => subscription.queues);
    consumers.push(await Consumer.open(url, queues, { ...load, settling: own[0]?.settling, latency: own[0]?.settling === 'reject' ? undefined : latency }));
  }
  const counting = consumers.filter(({ counts }) => counts);
  const each = (load.messagesPerConsumer ?? Infinity) * channels;
  return {
    total: () => counting.reduce((total, { received }) => total + received, 0),
    confirmed: () => 0,
    refused: () => 0,
    returned: () => 0,
    timed: isTimed,
    hear: (listener) => {
      hear = listener;
    },
    isDone: () => counting.length > 0 && counting.every(({ received }) => received >= each),
    heat: () => undefined,
    run: ({ fromNs, toNs }) => {
      if (latency !== undefined && !isOpen) Object.assign(latency, { fromNs, toNs });
    },
    finish: () => {
      for (const consumer of consumers) consumer.drop();
      return encodeHistogram(histogram);
    },
  };
}
