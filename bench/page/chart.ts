/** Charts as inline SVG without a script: lines, steps and bars on two axes, with a legend. Colours are the page's variables. */
import { escape } from './markup.ts';
import { linear, type Scale } from './scale.ts';

export const CHART = { width: 560, height: 220, left: 56, right: 24, top: 12, bottom: 34 } as const;
/** Colours that the page defines. */
const COLOURS = 8;

export type Line = {
  readonly name: string;
  /** null: a gap. */
  readonly points: readonly (readonly [x: number, y: number | null])[];
  /** Which colour of the page. */
  readonly colour: number;
  readonly isDashed?: boolean;
};

export type Chart = {
  readonly title: string;
  readonly x: Scale;
  readonly y: Scale;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly lines: readonly Line[];
  /** A part of the x axis that is set off: the window that counts. */
  readonly band?: readonly [from: number, to: number] | undefined;
};

export const plotLeft = CHART.left;
export const plotRight = CHART.width - CHART.right;
export const plotTop = CHART.top;
export const plotBottom = CHART.height - CHART.bottom;

function fixed(value: number): string {
  return value.toFixed(1);
}

export function colourOf(index: number): string {
  return `var(--line-${index % COLOURS})`;
}

function path(chart: Chart, { points }: Line): string {
  let isDown = false;
  return points
    .map(([x, y]) => {
      if (y === null || !Number.isFinite(y)) {
        isDown = false;
        return '';
      }
      const command = isDown ? 'L' : 'M';
      isDown = true;
      return `${command}${fixed(chart.x.place(x))} ${fixed(chart.y.place(y))}`;
    })
    .join('');
}

export function drawChart(chart: Chart): string {
  const { x, y, band } = chart;
  const across = x.marks.map(({ value, text }) => {
    const at = fixed(x.place(value));
    return `<line class="grid" x1="${at}" y1="${plotTop}" x2="${at}" y2="${plotBottom}"/><text class="mark" x="${at}" y="${plotBottom + 14}" text-anchor="middle">${escape(text)}</text>`;
  });
  const up = y.marks.map(({ value, text }) => {
    const at = fixed(y.place(value));
    return `<line class="grid" x1="${plotLeft}" y1="${at}" x2="${plotRight}" y2="${at}"/><text class="mark" x="${plotLeft - 6}" y="${at}" dy="0.32em" text-anchor="end">${escape(text)}</text>`;
  });
  const bandRect =
    band === undefined ? '' : `<rect class="band" x="${fixed(x.place(band[0]))}" y="${plotTop}" width="${fixed(Math.max(0, x.place(band[1]) - x.place(band[0])))}" height="${plotBottom - plotTop}"/>`;
  const lines = chart.lines.map(
    (line) => `<path class="line" d="${path(chart, line)}" style="stroke:${colourOf(line.colour)}"${line.isDashed === true ? ' stroke-dasharray="5 4"' : ''}><title>${escape(line.name)}</title></path>`,
  );
  const legend = chart.lines.map(
    ({ name, colour, isDashed }) => `<li><svg width="18" height="8" aria-hidden="true"><path class="line" d="M0 4L18 4" style="stroke:${colourOf(colour)}"${isDashed === true ? ' stroke-dasharray="5 4"' : ''}/></svg>${escape(name)}</li>`,
  );
  const labels = `<text class="label" x="${(plotLeft + plotRight) / 2}" y="${CHART.height - 4}" text-anchor="middle">${escape(chart.xLabel)}</text>`;
  return `<figure><figcaption>${escape(chart.title)} <small>${escape(chart.yLabel)}</small></figcaption>
<svg viewBox="0 0 ${CHART.width} ${CHART.height}" role="img" aria-label="${escape(chart.title)}">${bandRect}${across.join('')}${up.join('')}${lines.join('')}${labels}</svg>
<ul class="legend">${legend.join('')}</ul></figure>`;
}

/** Lines over time from 0 s; empty where no line has a point. */
export function drawOverTime(title: string, yLabel: string, lines: readonly Line[], band?: readonly [number, number], most?: number): string {
  const values = lines.flatMap(({ points }) => points.flatMap(([, y]) => (y === null ? [] : [y])));
  if (values.length === 0) return '';
  const lastX = Math.max(...lines.flatMap(({ points }) => points.map(([x]) => x)));
  return drawChart({
    title,
    x: linear(0, lastX, plotLeft, plotRight, true),
    y: linear(0, Math.max(most ?? 0, ...values), plotBottom, plotTop),
    xLabel: 'seconds since the load began; set off: the window that counts',
    yLabel,
    lines: lines.filter(({ points }) => points.some(([, y]) => y !== null)),
    band,
  });
}

