/** Measures one workload on one broker. */
import { availableParallelism } from 'node:os';
import { conduct, type LoadResult, type Timing } from './client/conduct.ts';
import { openIdleConnections } from './client/idle-connections.ts';
import { nowNs, pause } from './client/clock.ts';
import { machineCpuSeconds, ownUsage, processUsage } from './peer/process-usage.ts';
import type { MemoryScenario, Scenario } from './scenario/scenario.ts';

/** Resident memory counts as settled when it has moved by less than this share for so many readings. */
const SETTLED_SHARE = 0.005;
const SETTLED_READINGS = 6;
const READING_INTERVAL_MS = 500;
const READINGS_LIMIT = 60;

/** `pid`: the broker's process, where it runs on this machine and its figures are wanted. */
export type Target = { readonly url: string; readonly pid?: number | undefined };

export type LoadFigures = LoadResult & {
  readonly kind: 'load';
  /** Processor time of the broker per million messages received. */
  readonly cpuSecondsPerMillion?: number;
  /** The share of the machine that processes outside the measurement used: above a few per cent, the figures say little. */
  readonly othersShare?: number;
};

export type MemoryFigures = {
  readonly kind: 'memory';
  /** MB of 1,000,000 bytes. */
  readonly idleMb: number;
  /** Growth for each connection, KiB. */
  readonly connectionKib: number;
};

export type Figures = LoadFigures | MemoryFigures;

export async function measureScenario(scenario: Scenario, target: Target, timing: Timing): Promise<Figures> {
  if (scenario.kind === 'memory') return measureMemory(scenario, target);
  const { pid } = target;
  if (pid === undefined) return { kind: 'load', ...(await conduct(target.url, scenario.load, timing)) };
  let opened = readCpu(pid);
  let closed = opened;
  const result = await conduct(target.url, scenario.load, timing, {
    opened: () => {
      opened = readCpu(pid);
    },
    closed: () => {
      closed = readCpu(pid);
    },
  });
  const machineSeconds = ((closed.timeNs - opened.timeNs) / 1e9) * availableParallelism();
  const othersSeconds = closed.machineSeconds - opened.machineSeconds - (closed.ownSeconds - opened.ownSeconds);
  return {
    kind: 'load',
    ...result,
    cpuSecondsPerMillion: (closed.brokerSeconds - opened.brokerSeconds) / (result.received / 1e6),
    othersShare: Math.max(0, othersSeconds / machineSeconds),
  };
}

type CpuReading = {
  readonly timeNs: number;
  readonly brokerSeconds: number;
  readonly ownSeconds: number;
  readonly machineSeconds: number;
};

function readCpu(pid: number): CpuReading {
  return {
    timeNs: nowNs(),
    brokerSeconds: processUsage(pid).cpuSeconds,
    ownSeconds: ownUsage(pid).cpuSeconds,
    machineSeconds: machineCpuSeconds(),
  };
}

async function measureMemory(scenario: MemoryScenario, { url, pid }: Target): Promise<MemoryFigures> {
  if (pid === undefined) throw new Error(`${scenario.name} needs the process id of the broker`);
  const idleBytes = await settledRss(pid);
  const connections = await openIdleConnections(url, scenario.connections);
  try {
    const busyBytes = await settledRss(pid);
    return { kind: 'memory', idleMb: idleBytes / 1e6, connectionKib: (busyBytes - idleBytes) / 1024 / scenario.connections };
  } finally {
    for (const connection of connections) connection.drop();
  }
}

/** Reads the resident memory until it rests; the last reading after the limit, for a broker that never does. */
async function settledRss(pid: number): Promise<number> {
  let restedBytes = processUsage(pid).rssBytes;
  for (let reading = 0, calm = 0; reading < READINGS_LIMIT && calm < SETTLED_READINGS; reading += 1) {
    await pause(READING_INTERVAL_MS);
    const { rssBytes } = processUsage(pid);
    calm = Math.abs(rssBytes - restedBytes) <= restedBytes * SETTLED_SHARE ? calm + 1 : 0;
    if (calm === 0) restedBytes = rssBytes;
  }
  return processUsage(pid).rssBytes;
}
