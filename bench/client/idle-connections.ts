/** Many connections that do nothing, each with one channel: what a fleet of quiet clients costs a broker. */
import { Connection, IDLE_RECEIVE_BYTES } from './connection.ts';

/** Handshakes under way at once: fewer than a listener's backlog holds. */
const OPEN_AT_ONCE = 40;

/** Opens them all, or rejects and leaves none. */
export async function openIdleConnections(url: string, count: number): Promise<Connection[]> {
  const connections: Connection[] = [];
  let begun = 0;
  const lane = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      connections.push(await Connection.open(url, { receiveBytes: IDLE_RECEIVE_BYTES }));
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: OPEN_AT_ONCE }, lane));
  const refused = outcomes.find((outcome) => outcome.status === 'rejected');
  if (refused !== undefined) {
    for (const connection of connections) connection.drop();
    throw refused.reason;
  }
  return connections;
}
