/**
 * From a signal to the end of the process. The first SIGINT or SIGTERM closes the node and ends with 0; a second one, or a close
 * that hangs, ends at once.
 */
import type { Logger } from './log.ts';

/** A close may take this long, milliseconds. */
export const CLOSE_TIMEOUT_MS = 10_000;
/**
 * Signals this close together are one: Ctrl-C reaches every process of the terminal's group, and npm and the launcher pass
 * the same signal on once more.
 */
export const SAME_SIGNAL_MS = 200;

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
const EXIT_CLOSE_FAILED = 1;
type EndingSignal = keyof typeof EXIT_CODES;

/** The process as this file sees it; tests put a fake in its place. */
export type SignalledProcess = {
  onSignal(signal: EndingSignal, handle: () => void): void;
  nowMs(): number;
  /** Calls back once after `delayMs`; must not keep the process alive. */
  after(delayMs: number, act: () => void): void;
  exit(code: number): void;
};

/** From now on signals end the process through `close`. */
export function closeOnSignals(system: SignalledProcess, close: (reason: string) => Promise<void>, log: Logger): void {
  let closingSinceMs: number | undefined;
  const handle = (signal: EndingSignal): void => {
    if (closingSinceMs !== undefined) {
      if (system.nowMs() - closingSinceMs < SAME_SIGNAL_MS) return;
      log.warn({ signal }, 'second signal: ending without waiting for the close');
      system.exit(EXIT_CODES[signal]);
      return;
    }
    closingSinceMs = system.nowMs();
    log.info({ signal }, 'closing');
    system.after(CLOSE_TIMEOUT_MS, () => {
      log.fatal(`the close took longer than ${CLOSE_TIMEOUT_MS / 1000} s and was ended; the next start will recover what was confirmed`);
      system.exit(EXIT_CLOSE_FAILED);
    });
    close('shutdown').then(
      () => {
        log.info('closed');
        system.exit(0);
      },
      (error: unknown) => {
        log.fatal({ err: error }, 'the close failed');
        system.exit(EXIT_CLOSE_FAILED);
      },
    );
  };
  system.onSignal('SIGINT', () => handle('SIGINT'));
  system.onSignal('SIGTERM', () => handle('SIGTERM'));
}

/** The real process. */
export const thisProcess: SignalledProcess = {
  onSignal: (signal, handle) => void process.on(signal, handle),
  nowMs: () => performance.now(),
  after: (delayMs, act) => void setTimeout(act, delayMs).unref(),
  exit: (code) => process.exit(code),
};
