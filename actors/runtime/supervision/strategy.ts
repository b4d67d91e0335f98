import type { ChildRecord } from './child-record.ts';

/** Which children share the fate of one that is restarted: none, those started after it, or all. */
export type Strategy = 'one-for-one' | 'rest-for-one' | 'one-for-all';

/** The child and those that are stopped and started again with it, out of all children in start order; in start order. */
export function fateGroup(strategy: Strategy, child: ChildRecord, inStartOrder: readonly ChildRecord[]): readonly ChildRecord[] {
  switch (strategy) {
    case 'one-for-one':
      return [child];
    case 'rest-for-one':
      return inStartOrder.slice(inStartOrder.indexOf(child));
    case 'one-for-all':
      return inStartOrder;
  }
}
