/** A terminal for as long as a dashboard has it: its other screen, its keys, and everything as it was afterwards. */
import type { ReadStream, WriteStream } from 'node:tty';

const OTHER_SCREEN = '\u001b[?1049h\u001b[?25l';
const FORMER_SCREEN = '\u001b[?25h\u001b[?1049l';
const TO_TOP = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
/** Of a terminal that does not say. */
const WIDTH = 80;
const HEIGHT = 24;

export class Terminal {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  #isOpen = false;
  readonly #restore = (): void => this.close();

  constructor(input: ReadStream, output: WriteStream) {
    this.#input = input;
    this.#output = output;
  }

  get width(): number {
    return this.#output.columns > 0 ? this.#output.columns : WIDTH;
  }

  get height(): number {
    return this.#output.rows > 0 ? this.#output.rows : HEIGHT;
  }

  /** `onKey` gets each key as the terminal sends it. However the process ends, the terminal is given back. */
  open(onKey: (key: string) => void, onResize: () => void): void {
    this.#isOpen = true;
    process.once('exit', this.#restore);
    this.#input.setRawMode(true);
    this.#input.setEncoding('utf8');
    this.#input.on('data', (keys) => keysOf(String(keys)).forEach(onKey));
    this.#output.on('resize', onResize);
    this.#output.write(OTHER_SCREEN);
  }

  draw(lines: readonly string[]): void {
    this.#output.write(`${TO_TOP}${lines.map((line) => `${line}${CLEAR_LINE}`).join('\r\n')}${CLEAR_BELOW}`);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off('exit', this.#restore);
    this.#output.write(FORMER_SCREEN);
    this.#input.setRawMode(false);
    this.#input.pause();
  }
}

/** Several keys may come at once; an arrow is one key of several characters. */
export function keysOf(text: string): string[] {
  return text.match(/\u001b\[[0-9;]*[A-Za-z~]|[^]/g) ?? [];
}
