/** What the conductor and the two forked sides (all producers, all consumers) say to each other. */
import type { Load } from '../scenario/scenario.ts';

export type Role = 'producers' | 'consumers';

/** Times on the clock that all processes of the machine share, ns. */
export type Window = { readonly startNs: number; readonly fromNs: number; readonly toNs: number };

export type Order =
  | { readonly kind: 'open'; readonly role: Role; readonly url: string; readonly queues: readonly string[]; readonly load: Load }
  | { readonly kind: 'run'; readonly window: Window }
  | { readonly kind: 'total' }
  | { readonly kind: 'finish' };

export type Notice =
  | { readonly kind: 'opened' }
  /** The window has closed: `messages` passed in `seconds`, measured by this side. */
  | { readonly kind: 'counted'; readonly messages: number; readonly seconds: number }
  /** Everything since the start; `confirmed` of producers only. */
  | { readonly kind: 'total'; readonly messages: number; readonly confirmed: number }
  | { readonly kind: 'finished'; readonly histogram: string }
  | { readonly kind: 'failed'; readonly reason: string };
