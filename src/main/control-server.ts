import { type LineServer, serveLines } from '../../native-free-io/socket/line-server.ts';
import { CONTROL_SOCKET, type ControlReply, answerLimitMs, readQuestion, writeReply } from './control-protocol.ts';
import type { Logger } from './log.ts';

/** What a node can be asked, by the name of the question. */
export type ControlOffers = ReadonlyMap<string, (fields: Readonly<Record<string, unknown>>) => Promise<unknown>>;

/** Answers the tools of the machine. A node that cannot do it says so in its log and serves its clients all the same. */
export async function serveControl(dataDir: string, offers: ControlOffers, log: Logger): Promise<LineServer> {
  try {
    return await serveLines(dataDir, CONTROL_SOCKET, async (line) => writeReply(await replyTo(line, offers)));
  } catch (error) {
    log.warn({ err: error }, 'there is no control socket: leveret tree cannot ask this node');
    return { close: () => {} };
  }
}

async function replyTo(line: string, offers: ControlOffers): Promise<ControlReply> {
  const question = readQuestion(line);
  if ('problem' in question) return question;
  const offer = offers.get(question.ask);
  if (offer === undefined) return { problem: `this node cannot be asked "${question.ask}"; it knows ${[...offers.keys()].join(', ')}` };
  const limitMs = answerLimitMs(question.ask);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<ControlReply>((resolve) => {
    const problem = `a part of the node did not answer within ${limitMs / 1000} s`;
    timer = setTimeout(() => resolve({ problem }), limitMs);
  });
  const reply = offer(question.fields).then(
    (answer): ControlReply => ({ answer }),
    (error: unknown): ControlReply => ({ problem: error instanceof Error ? error.message : String(error) }),
  );
  return Promise.race([reply, late]).finally(() => clearTimeout(timer));
}
