/** Where the figures of a run go: lines on the terminal, long or in columns, and a file of CSV beside them. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { compactHeader, compactLine } from './perf-test-compact.ts';
import { csvHeader, csvLine } from './perf-test-csv.ts';
import { intervalLine, summaryLines, type IntervalFigures, type LineShape, type TotalFigures } from './perf-test-lines.ts';

export type Output = {
  /** Before the first figures. */
  readonly header: () => void;
  readonly interval: (figures: IntervalFigures) => void;
  readonly summary: (figures: TotalFigures) => void;
  readonly close: () => void;
};

/** `file`: what was there is overwritten. Throws what the file system says where it cannot be. */
export function openOutput(shape: LineShape, form: 'default' | 'compact', file: string | undefined, say: (line: string) => void): Output {
  const isCompact = form === 'compact';
  const descriptor = file === undefined ? undefined : openSync(file, 'w');
  const write = (line: string): void => void (descriptor === undefined || writeSync(descriptor, `${line}\n`));
  return {
    header: () => {
      if (isCompact) say(compactHeader(shape));
      write(csvHeader(shape));
    },
    interval: (figures) => {
      say(isCompact ? compactLine(shape, figures) : intervalLine(shape, figures));
      write(csvLine(shape, figures));
    },
    summary: (figures) => {
      for (const line of summaryLines(shape, figures, !isCompact)) say(line);
    },
    close: () => void (descriptor === undefined || closeSync(descriptor)),
  };
}
