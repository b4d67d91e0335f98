import { AmqpLink } from './amqp-link.ts';

const STIR_QUEUE = 'chaos.stir';

/** Has the topology talk to its replicas. */
export async function stirTopology(url: string): Promise<void> {
  let link: AmqpLink | undefined;
  try {
    link = await AmqpLink.open(url, {});
    await link.declareQueue(STIR_QUEUE);
    await link.deleteQueue(STIR_QUEUE);
  } catch {
    // Struck by a fault, which is what it is for.
  } finally {
    await link?.close();
  }
}
