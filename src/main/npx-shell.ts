/** How often the parent is looked at, milliseconds. */
const LOOK_MS = 250;

/**
 * npx runs a program below a shell and gives a SIGTERM to that shell alone, which dies and leaves the program behind, its port and
 * data directory taken. So a broker that npx started takes the shell's end for its own SIGTERM. A broker started in any other
 * way outlives its parent as it should.
 */
export function endWithNpxShell(environment: Readonly<Record<string, string | undefined>>): void {
  const isNpx = environment['npm_lifecycle_event'] === 'npx' && /^['"]?leveret\b/.test(environment['npm_lifecycle_script'] ?? '');
  if (!isNpx) return;
  const shell = process.ppid;
  const look = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(look);
    process.kill(process.pid, 'SIGTERM');
  }, LOOK_MS);
  look.unref();
}
