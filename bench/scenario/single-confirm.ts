import { type ConfirmScenario } from './scenario.ts';

/** The least that durability can cost: what lies between the device and the client who waits for it. */
export const singleConfirm: ConfirmScenario = {
  kind: 'confirm',
  name: 'confirm-one',
  title: 'one confirm at a time, 100 B, persistent, beside fdatasync in the same file system',
  bodyBytes: 100,
  settleSeconds: 15,
  aboveFlushAtMostMs: 0.3,
};
