/** Asks a running node something over its control socket (`control-protocol.ts`), for the commands that operators use beside it. */
import { askLine } from '../../native-free-io/socket/line-client.ts';
import { CONTROL_SOCKET, type ControlReply, answerLimitMs, readReply, writeQuestion } from './control-protocol.ts';

/** The node answers within its own limit; this much more is for the way, milliseconds. */
const WAY_MS = 1_000;

/** The answer of the node that runs in `dataDir`, or one sentence for the operator. */
export async function askNode(dataDir: string, ask: string, fields: Readonly<Record<string, unknown>> = {}): Promise<ControlReply> {
  const outcome = await askLine(dataDir, CONTROL_SOCKET, writeQuestion(ask, fields), answerLimitMs(ask) + WAY_MS);
  if (!outcome.answered) return { problem: sentence(outcome.why, dataDir) };
  const reply = readReply(outcome.line);
  if (reply === undefined) return { problem: `the node in ${dataDir} is of another version; ask it with its own leveret.` };
  return 'problem' in reply ? { problem: `the node in ${dataDir} refused: ${reply.problem}.` } : reply;
}

function sentence(why: 'absent' | 'forbidden' | 'silent', dataDir: string): string {
  switch (why) {
    case 'absent':
      return `no node runs in ${dataDir}; give the --data-dir that it was started with.`;
    case 'forbidden':
      return `the node in ${dataDir} belongs to another user; ask it as that user.`;
    case 'silent':
      return `the node in ${dataDir} does not answer; it may be closing or overloaded, try again.`;
  }
}
