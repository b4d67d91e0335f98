/** The page, whole in one file: nothing is fetched from anywhere. */
import type { DifferenceFrame } from './difference.ts';
import type { Frame } from './fold.ts';
import { FRAME_KINDS, type FrameKind } from './frame-kind.ts';
import { hottest } from './hottest.ts';
import { FLAME_STYLE } from './page/flame-style.ts';
import { flameView } from './page/flame-view.ts';
import { pageData } from './page/page-data.ts';

const HOTTEST_COUNT = 25;

const KIND_MEANING: Readonly<Record<FrameKind, string>> = {
  broker: 'broker',
  actors: 'actors',
  'native-free-io': 'sockets, memory, files',
  dependency: 'dependencies',
  node: 'Node',
  native: 'native, system calls',
  collector: 'garbage collection',
  idle: 'idle',
};

/** `about`: one line below the title. */
export function flamePage(title: string, about: string, roots: readonly (Frame | DifferenceFrame)[]): string {
  const data = pageData(roots);
  const graphs = roots.map((root, index) => `<h2>${escape(root.name)} <small>${escape(aboutThread(root))}</small></h2>\n<div class="graph" id="graph-${index}"></div>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${FLAME_STYLE}</style>
</head>
<body>
<h1>${escape(title)}</h1>
<p class="about">${escape(about)}</p>
<div class="tools">
<label>Search <input type="search" id="search" placeholder="function or file"></label>
<label><input type="checkbox" id="idle"> with idle time</label>
<button type="button" id="reset">whole</button>
<span id="found"></span>
<span class="key">${data.isDifference ? differenceKey() : FRAME_KINDS.map((kind) => `<span class="${kind}">${KIND_MEANING[kind]}</span>`).join('')}</span>
</div>
${graphs.join('\n')}
<h2>${data.isDifference ? 'Functions that changed most' : 'Functions by their own time'}</h2>
<div class="scroll">${hotTable(roots)}</div>
<div id="status"></div>
<script>(${flameView.toString()})(document, ${embed(data)});</script>
</body>
</html>
`;
}

function aboutThread(root: Frame | DifferenceFrame): string {
  if ('before' in root) return 'share of the thread\'s work';
  const idle = root.children.reduce((sum, child) => sum + (child.kind === 'idle' ? child.total : 0), 0);
  const busy = root.total === 0 ? 0 : (100 * (root.total - idle)) / root.total;
  return `${(root.total / 1_000_000).toFixed(1)} s, busy ${busy.toFixed(1)} %`;
}

function differenceKey(): string {
  return '<span style="background: var(--more)">takes more</span><span style="background: var(--less)">takes less</span>';
}

function hotTable(roots: readonly (Frame | DifferenceFrame)[]): string {
  const rows = hottest(roots, HOTTEST_COUNT).map(({ name, place, self, change }) => {
    const amount = change === undefined ? `${(self / 1000).toFixed(1)} ms` : `${(self / 10_000).toFixed(2)} %`;
    const changed = change === undefined ? '' : `<td class="number">${change > 0 ? '+' : ''}${(change / 10_000).toFixed(2)} %</td>`;
    return `<tr><td class="number">${amount}</td>${changed}<td>${escape(name)}</td><td>${escape(place)}</td></tr>`;
  });
  const change = roots.some((root) => 'before' in root) ? '<th class="number">change</th>' : '';
  return `<table><tr><th class="number">self</th>${change}<th>function</th><th>place</th></tr>${rows.join('')}</table>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** JSON inside of a script: nothing in it may end the script. */
function embed(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
