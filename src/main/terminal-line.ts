/** Fields of a record that have a place of their own in the readable line, or say nothing to a reader. */
const PLACED: ReadonlySet<string> = new Set(['level', 'time', 'pid', 'msg', 'err']);

/**
 * One JSON record of the log as one line for a reader: `12:30:01.250 info  listening port=5672`, an error's stack below it.
 * What is no record comes back unchanged. Control characters are shown escaped: a name chosen by a client may not move the
 * cursor of the operator's terminal.
 */
export function terminalLine(json: string): string {
  const record = parseRecord(json);
  if (record === undefined) return json;
  const time = typeof record['time'] === 'string' ? record['time'].slice(11, 23) : '';
  const level = String(record['level']).padEnd(5);
  const fields = Object.entries(record)
    .filter(([name]) => !PLACED.has(name))
    .map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
  return `${time} ${level} ${printable(String(record['msg'] ?? '') + fields)}\n${stackOf(record['err'])}`;
}

function parseRecord(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function stackOf(error: unknown): string {
  if (!isRecord(error)) return '';
  const stack = String(error['stack'] ?? error['message'] ?? '');
  return stack
    .split('\n')
    .map((line) => `    ${printable(line)}\n`)
    .join('');
}

function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
