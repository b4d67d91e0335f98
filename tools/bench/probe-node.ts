/** What a Leveret tells of itself over its control socket, for the load tool. */
import { askLine } from '../../native-free-io/socket/line-client.ts';
import { CONTROL_SOCKET, readReply, writeQuestion } from '../../src/main/control-protocol.ts';
import type { Probe, ProbeReading } from '../../bench/matrix/probe.ts';

/** A node that has not answered by then is busy; the next sample asks again. */
const ANSWER_LIMIT_MS = 1_000;

/** A node of another version, or one that cannot be asked for its figures, is not asked again. */
export function probeNode(dataDir: string): Probe {
  let isDeaf = false;
  let isAsking = false;
  return async () => {
    if (isDeaf || isAsking) return undefined;
    isAsking = true;
    const outcome = await askLine(dataDir, CONTROL_SOCKET, writeQuestion('stats', { count: 0 }), ANSWER_LIMIT_MS);
    isAsking = false;
    if (!outcome.answered) return undefined;
    const reply = readReply(outcome.line);
    if (reply === undefined || 'problem' in reply) {
      isDeaf = true;
      return undefined;
    }
    return readingOf(reply.answer);
  };
}

/** undefined: it has another form. */
export function readingOf(answer: unknown): ProbeReading | undefined {
  const threads = listOf(field(answer, 'threads')).flatMap((thread) => {
    const name = field(thread, 'name');
    const usage = field(thread, 'usage');
    const [activeMs, idleMs] = [field(usage, 'activeMs'), field(usage, 'idleMs')];
    return typeof name === 'string' && typeof activeMs === 'number' && typeof idleMs === 'number' ? [{ name, activeMs, idleMs }] : [];
  });
  const commits = field(field(answer, 'commits'), 'commits');
  const buckets = listOf(field(field(answer, 'commits'), 'buckets'));
  if (threads.length === 0) return undefined;
  return { threads, commits: typeof commits === 'number' ? commits : 0, commitBuckets: buckets.map((count) => (typeof count === 'number' ? count : 0)) };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
