/** Lends a durable queue to a measurement and takes it back, whatever happens to the broker meanwhile. */
import { CALLS_ONLY, Connection } from '../client/connection.ts';
import { declareQueue, deleteQueue, freshQueueName } from '../client/queue-calls.ts';

async function call(url: string, action: (connection: Connection) => Promise<void>): Promise<void> {
  const connection = await Connection.open(url, CALLS_ONLY);
  try {
    await action(connection);
  } finally {
    await connection.close();
  }
}

/** No connection stays open between the two calls: the broker may be stopped in between. */
export async function withDurableQueue<Result>(url: string, measure: (queue: string) => Promise<Result>): Promise<Result> {
  const queue = freshQueueName();
  await call(url, (connection) => declareQueue(connection, queue, true));
  try {
    return await measure(queue);
  } finally {
    // A queue that did not come back cannot be deleted, and a broker that is gone takes its folder with it.
    await call(url, (connection) => deleteQueue(connection, queue)).catch(() => undefined);
  }
}
