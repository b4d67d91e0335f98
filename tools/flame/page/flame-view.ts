/**
 * What runs in the page: draws the frames, zooms, searches. It is sent as the text of this one function, so everything it uses is inside
 * of it or comes as an argument.
 */

/** What of a browser's element is used here. */
export type PageElement = {
  textContent: string | null;
  className: string;
  value: string;
  checked: boolean;
  readonly style: { [property: string]: string };
  readonly dataset: { [name: string]: string };
  append(child: PageElement): void;
  replaceChildren(): void;
  addEventListener(type: string, listener: (event: { readonly target: PageElement; readonly key: string }) => void): void;
};
export type PageDocument = { createElement(tag: string): PageElement; getElementById(id: string): PageElement };

/**
 * A frame as the page carries it: number of its name, of its place, of its kind, self and total (microseconds; of a difference millionths of
 * the whole), children, and of a difference what `total` was before.
 */
export type PageFrame = readonly [name: number, place: number, kind: number, self: number, total: number, children: readonly PageFrame[], before?: number];

export type PageData = {
  readonly names: readonly string[];
  readonly places: readonly string[];
  readonly kinds: readonly string[];
  /** A thread each. */
  readonly roots: readonly PageFrame[];
  readonly isDifference: boolean;
};

export function flameView(page: PageDocument, data: PageData): void {
  type Placed = { readonly frame: PageFrame; readonly parent: Placed | undefined };
  const ROW_PX = 18;
  /** Narrower frames are not drawn; zooming shows them. Share of the width. */
  const NARROWEST = 0.0008;
  /** A change of this many millionths of the whole has the full colour. */
  const FULL_CHANGE = 50_000;
  const idle = data.kinds.indexOf('idle');
  const search = page.getElementById('search');
  const withIdle = page.getElementById('idle');
  const status = page.getElementById('status');
  const found = page.getElementById('found');
  const zooms: (Placed | undefined)[] = data.roots.map(() => undefined);
  let drawn: Placed[] = [];

  const sizeOf = (frame: PageFrame): number => (withIdle.checked ? frame[4] : frame[4] - idleIn(frame));
  const idleIn = (frame: PageFrame): number =>
    frame[2] === idle ? frame[4] : frame[5].reduce((sum, child) => sum + (child[2] === idle ? child[4] : 0), 0);
  const isShown = (frame: PageFrame): boolean => withIdle.checked || frame[2] !== idle;
  const matches = (frame: PageFrame): boolean => {
    const text = search.value.toLowerCase();
    return text !== '' && `${data.names[frame[0]]} ${data.places[frame[1]]}`.toLowerCase().includes(text);
  };
  const amount = (size: number): string => (data.isDifference ? `${(size / 10_000).toFixed(2)} %` : `${(size / 1000).toFixed(1)} ms`);
  const share = (part: number, whole: number): string => `${whole === 0 ? '0' : ((100 * part) / whole).toFixed(2)} %`;

  function box(graph: PageElement, placed: Placed, row: number, left: number, width: number, isAncestor: boolean): void {
    const { frame } = placed;
    const element = page.createElement('div');
    const name = data.names[frame[0]] ?? '';
    element.className = `frame ${data.kinds[frame[2]]}${isAncestor ? ' ancestor' : ''}${matches(frame) ? ' match' : ''}`;
    element.style['left'] = `${left * 100}%`;
    element.style['width'] = `${width * 100}%`;
    element.style['top'] = `${row * ROW_PX}px`;
    if (frame[6] !== undefined) {
      const change = frame[4] - frame[6];
      const strength = Math.round(Math.min(1, Math.abs(change) / FULL_CHANGE) * 75);
      element.style['background'] = `color-mix(in srgb, var(${change > 0 ? '--more' : '--less'}) ${strength}%, var(--same))`;
    }
    element.textContent = width > 0.015 ? name : '';
    element.dataset['frame'] = String(drawn.length);
    drawn.push(placed);
    graph.append(element);
  }

  function below(graph: PageElement, placed: Placed, row: number, left: number, width: number): number {
    box(graph, placed, row, left, width, false);
    const whole = sizeOf(placed.frame);
    let deepest = row;
    let at = left;
    const children = placed.frame[5].filter(isShown).toSorted((one, other) => sizeOf(other) - sizeOf(one));
    for (const frame of children) {
      const childWidth = whole === 0 ? 0 : (width * sizeOf(frame)) / whole;
      if (childWidth < NARROWEST) break;
      deepest = Math.max(deepest, below(graph, { frame, parent: placed }, row + 1, at, childWidth));
      at += childWidth;
    }
    return deepest;
  }

  function draw(): void {
    drawn = [];
    let matched = 0;
    let whole = 0;
    data.roots.forEach((root, index) => {
      const graph = page.getElementById(`graph-${index}`);
      graph.replaceChildren();
      const zoom = zooms[index] ?? { frame: root, parent: undefined };
      const ancestors: Placed[] = [];
      for (let placed = zoom.parent; placed !== undefined; placed = placed.parent) ancestors.unshift(placed);
      ancestors.forEach((placed, row) => box(graph, placed, row, 0, 1, true));
      const deepest = below(graph, zoom, ancestors.length, 0, 1);
      graph.style['height'] = `${(deepest + 1) * ROW_PX}px`;
      whole += sizeOf(root);
      matched += matchedIn(root);
    });
    found.textContent = search.value === '' ? '' : `found: ${amount(matched)}, ${share(matched, whole)} of all threads`;
  }

  /** Time in frames that match, none counted twice. */
  function matchedIn(frame: PageFrame): number {
    if (!isShown(frame)) return 0;
    return matches(frame) ? sizeOf(frame) : frame[5].reduce((sum, child) => sum + matchedIn(child), 0);
  }

  function describe(placed: Placed): string {
    const { frame } = placed;
    let root = placed;
    while (root.parent !== undefined) root = root.parent;
    const before = frame[6] === undefined ? '' : `, before ${amount(frame[6])}`;
    return `${data.names[frame[0]]}  ${data.places[frame[1]]}  total ${amount(frame[4])}${before} (${share(sizeOf(frame), sizeOf(root.frame))} of the thread), self ${amount(frame[3])}`;
  }

  const placedOf = (element: PageElement): Placed | undefined => drawn[Number(element.dataset['frame'] ?? -1)];
  data.roots.forEach((_root, index) => {
    const graph = page.getElementById(`graph-${index}`);
    graph.addEventListener('click', ({ target }) => {
      const placed = placedOf(target);
      if (placed === undefined) return;
      zooms[index] = placed.parent === undefined ? undefined : placed;
      draw();
    });
    graph.addEventListener('mouseover', ({ target }) => {
      const placed = placedOf(target);
      status.textContent = placed === undefined ? '' : describe(placed);
    });
  });
  search.addEventListener('input', draw);
  withIdle.addEventListener('change', draw);
  page.getElementById('reset').addEventListener('click', () => {
    zooms.fill(undefined);
    search.value = '';
    draw();
  });
  draw();
}
