/** Runs of nodes that mostly wait, a few at a time. */

/** So many at a time: a run waits for its device and for processes to start, and the test command has other things to do as well. */
const LANES = 2;

/** What all runs have found, in the order of the runs. Rejects with the first that rejects, when the others have ended. */
export async function inLanes<Found>(count: number, run: (index: number) => Promise<readonly Found[]>): Promise<Found[]> {
  const found: (readonly Found[])[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) found[index] = await run(index);
  };
  const ends = await Promise.allSettled(Array.from({ length: LANES }, lane));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return found.flat();
}
