/** The machine that a run was made on. */
import { availableParallelism, cpus, freemem, loadavg, release, totalmem, type } from 'node:os';

const GIB = 1_073_741_824;

export function describeMachine(): Record<string, string> {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: String(availableParallelism()),
    memory: `${(totalmem() / GIB).toFixed(1)} GiB, ${(freemem() / GIB).toFixed(1)} GiB free`,
    system: `${type()} ${release()}`,
    node: process.version,
    'load before': loadavg().map((load) => load.toFixed(2)).join(' '),
  };
}
