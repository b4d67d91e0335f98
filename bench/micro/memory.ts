/** Cost of room for messages: taking it and giving it back, with little and with much of it held meanwhile. */
import { BlockAllocator } from '../../native-free-io/memory/block-allocator.ts';
import { BlockTable } from '../../native-free-io/memory/block-table.ts';
import { createSharedMemory } from '../../native-free-io/memory/memory-layout.ts';
import { report } from './support/report.ts';

const MESSAGES = 1000;
const LIMIT_BYTES = 512 * 1024 * 1024;

/** Takes a message and gives back the one that was taken `held` before. */
function churn(name: string, sizeBytes: number, held: number): void {
  const table = new BlockTable(createSharedMemory(1, LIMIT_BYTES));
  const allocator = new BlockAllocator(table, 0);
  const addresses = new Int32Array(held);
  const next = (): number => {
    const address = allocator.allocate(sizeBytes, 1);
    if (address === 0) throw new Error('there is no room');
    return address;
  };
  for (let at = 0; at < held; at++) addresses[at] = next();
  let at = 0;
  report(name, 'message', MESSAGES, () => {
    for (let n = 0; n < MESSAGES; n++) {
      table.release(addresses[at]!);
      addresses[at] = next();
      if (++at === held) at = 0;
    }
    table.flushReleases();
  });
}

churn('memory: 160 bytes, 1,000 held', 160, 1000);
churn('memory: 160 bytes, a million held', 160, 1_000_000);
churn('memory: 4 KiB, 1,000 held', 4096, 1000);
churn('memory: 16 KiB, 1,000 held', 16_384, 1000);
churn('memory: 64 KiB, 1,000 held', 65_536, 1000);
churn('memory: 64 KiB, 7,000 held', 65_536, 7000);
churn('memory: 1 MiB, 100 held', 2 ** 20, 100);
