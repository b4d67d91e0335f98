/**
 * V8's `.cpuprofile`: the call tree it saw, and which node of it stood on top at each look.
 *
 * ```
 *   nodes       {id, callFrame, children: ids}    the root first
 *   samples     ids of nodes, one a look
 *   timeDeltas  microseconds before each look
 * ```
 *
 * Format: Chrome DevTools Protocol, domain Profiler, type Profile.
 */
export type CallFrame = { readonly functionName: string; readonly url: string; readonly lineNumber: number };
export type ProfileNode = { readonly id: number; readonly callFrame: CallFrame; readonly children: readonly number[] };
export type CpuProfile = {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

/** Throws one sentence when the text is no profile. */
export function readCpuProfile(text: string): CpuProfile {
  const value = parse(text);
  const nodes = listOf(value?.['nodes']);
  const samples = listOf(value?.['samples']);
  const timeDeltas = listOf(value?.['timeDeltas']);
  if (nodes === undefined || samples === undefined || timeDeltas === undefined || samples.length !== timeDeltas.length) {
    throw new Error('it is no CPU profile: nodes, samples and timeDeltas must be there');
  }
  return { nodes: nodes.map(readNode), samples: samples.map(Number), timeDeltas: timeDeltas.map(Number) };
}

function readNode(value: unknown): ProfileNode {
  const { id, callFrame, children } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const { functionName, url, lineNumber } = (callFrame ?? {}) as Readonly<Record<string, unknown>>;
  return {
    id: Number(id),
    callFrame: { functionName: String(functionName ?? ''), url: String(url ?? ''), lineNumber: Number(lineNumber ?? -1) },
    children: (listOf(children) ?? []).map(Number),
  };
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function listOf(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}
