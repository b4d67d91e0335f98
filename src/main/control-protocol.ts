/**
 * How a tool on the same machine talks to a running node: over the socket `control.sock` in the node's data directory, which
 * only the owner of the directory can open. Whoever may open it may do all that it offers; there is no other login.
 *
 * A question is one line of JSON, and so is its answer. Several may follow each other on one connection; answers come in the
 * order of the questions.
 *
 * ```
 *   {"version":1,"ask":"tree"}                       what to do; `ask` names it, more fields are its arguments
 *   {"version":1,"answer":{"root":{...},...}}        it was done; `answer` is what came of it
 *   {"version":1,"problem":"there is no ..."}        it was not; one sentence for the operator
 * ```
 *
 * ask              arguments       answer
 * tree             none            LiveTree (`live-tree.ts`)
 * stats            order, count    NodeStats (`node-stats.ts`): counters, and of queues the first `count` by `order`
 * profile start    intervalUs      null, when every thread is being profiled (`profiling.ts`); it ends by itself after ten minutes
 * profile finish   folder          ProfiledThread[]: one `.cpuprofile` a thread is in the folder, an absolute path
 * restart-queue    vhost, queue    QueueRestart (`queue-restart.ts`), when it runs
 * fault            thread, fault   null, once it is ordered: something goes wrong there on purpose (`fault-question.ts`)
 */
export const CONTROL_VERSION = 1;
/** The socket's name in the data directory. */
export const CONTROL_SOCKET = 'control.sock';
/** An answer that takes longer than this is a problem, milliseconds. */
const ANSWER_MS = 5_000;
/** A thread gathers and writes a profile of megabytes while it serves its clients, perhaps with little of a processor, milliseconds. */
const PROFILE_ANSWER_MS = 60_000;

export type ControlReply = { readonly answer: unknown } | { readonly problem: string };

/** What is asked, or one sentence on why it cannot be understood. */
export type ControlQuestion = { readonly ask: string; readonly fields: Readonly<Record<string, unknown>> } | { readonly problem: string };

/** What a node takes to answer `ask` at most, milliseconds; then it says that it could not. */
export function answerLimitMs(ask: string): number {
  return ask === 'profile start' || ask === 'profile finish' ? PROFILE_ANSWER_MS : ANSWER_MS;
}

export function writeQuestion(ask: string, fields: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ version: CONTROL_VERSION, ask, ...fields });
}

export function readQuestion(line: string): ControlQuestion {
  const value = parseObject(line);
  if (value === undefined) return { problem: 'a question is a JSON object on one line' };
  const { version, ask, ...fields } = value;
  if (version !== CONTROL_VERSION) return { problem: `this node speaks version ${CONTROL_VERSION} of the control protocol` };
  return typeof ask === 'string' ? { ask, fields } : { problem: 'the field "ask" is missing' };
}

export function writeReply(reply: ControlReply): string {
  return JSON.stringify({ version: CONTROL_VERSION, ...reply });
}

/** Undefined: whoever answered is no node of this version. */
export function readReply(line: string): ControlReply | undefined {
  const value = parseObject(line);
  if (value?.['version'] !== CONTROL_VERSION) return undefined;
  if (typeof value['problem'] === 'string') return { problem: value['problem'] };
  return 'answer' in value ? { answer: value['answer'] } : undefined;
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
