/** What the conductor and the two forked sides (all producers, all consumers) say to each other. */
import type { Load } from '../scenario/load.ts';
import type { LatencySummary } from './latency.ts';
import type { Layout } from './layout.ts';

export type Role = 'producers' | 'consumers';

/** Times on the clock that all processes of the machine share, ns. */
export type Window = { readonly startNs: number; readonly fromNs: number; readonly toNs: number };

export type Plan = { readonly load: Load; readonly layout: Pick<Layout, 'routes' | 'subscriptions'> };

export type Order =
  /** A connection takes one of the addresses. */
  | { readonly kind: 'open'; readonly role: Role; readonly urls: readonly string[]; readonly plan: Plan }
  /** As fast as the broker takes it, whatever the load's rate: between these times, ns. */
  | { readonly kind: 'heat'; readonly startNs: number; readonly toNs: number }
  /** `sampleMs`: a sample so often; undefined: none. */
  | { readonly kind: 'run'; readonly window: Window; readonly sampleMs?: number | undefined }
  | { readonly kind: 'total' }
  | { readonly kind: 'finish' };

/** How far a side has come. */
export type Sample = {
  /** On the shared clock, ns. */
  readonly atNs: number;
  /** Everything since the start. */
  readonly messages: number;
  readonly confirmed: number;
  readonly refused: number;
  readonly returned: number;
  /** Since the last sample: of consumers from the sending to the arrival, of producers from the sending to the confirm. */
  readonly latency: LatencySummary | undefined;
  /** Share of the time since the last sample in which the side's event loop had work. */
  readonly utilisation: number;
};

export type Notice =
  /** `beganNs`: when its process began to open them, on the shared clock. */
  | { readonly kind: 'opened'; readonly beganNs: number }
  /** The window has closed: `messages` passed in `seconds`, measured by this side; of producers, `confirmed` of the publishes. */
  | { readonly kind: 'counted'; readonly messages: number; readonly confirmed: number; readonly seconds: number }
  /** Everything since the start; `confirmed` of producers only. */
  | { readonly kind: 'total'; readonly messages: number; readonly confirmed: number }
  | { readonly kind: 'sample'; readonly sample: Sample }
  /** Every producer or consumer has reached its number of messages. */
  | { readonly kind: 'done' }
  | { readonly kind: 'finished'; readonly histogram: string }
  | { readonly kind: 'failed'; readonly reason: string };
