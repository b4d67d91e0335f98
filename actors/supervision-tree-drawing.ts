import { childrenOf, type TreeNode } from './supervision-tree.ts';

/** Columns a drawing has at most. */
export const DRAWING_COLUMNS_MAX = 100;

/** What a running node tells about one node of its tree, or about all of its kind. */
export type LiveNode = {
  readonly state: string;
  readonly generation: number;
  readonly restarts: number;
  readonly lastError: string | null;
  /** Children it has now, of a supervisor. */
  readonly children?: number;
};

/** Instances of one kind that are drawn below one parent; of the others only the number is told. */
export const INSTANCES_DRAWN_MAX = 64;

/** How a tree is drawn. */
export type DrawingOptions = {
  /**
   * By the id of a node, or where there are several of its kind by `id@instance`: `thread@2`, and below it
   * `queues-of-thread@2` and `queue@2/orders`. A node that is missing here is drawn as `unknown`. Without live data the tree is drawn with its reasons.
   */
  readonly live?: Readonly<Record<string, LiveNode>> | ReadonlyMap<string, LiveNode>;
  /** Plain ASCII lines, for terminals without box characters. */
  readonly plain?: boolean;
};

type Lines = { readonly branch: string; readonly last: string; readonly bar: string; readonly gap: string };
const BOX: Lines = { branch: '├─ ', last: '└─ ', bar: '│  ', gap: '   ' };
const ASCII: Lines = { branch: '|- ', last: '`- ', bar: '|  ', gap: '   ' };

/**
 * Draws the tree, one node and its facts on a line of at most 100 columns. Without live data each node is followed by its reason,
 * with live data by what it last died of.
 */
export function formatTree(tree: TreeNode, options: DrawingOptions = {}): string {
  const live = options.live === undefined ? undefined : asMap(options.live);
  const drawing = new Drawing(live, options.plain === true ? ASCII : BOX);
  drawing.add({ node: tree, instance: '' }, '', '');
  return `${drawing.text.join('\n')}\n`;
}

function asMap(live: NonNullable<DrawingOptions['live']>): ReadonlyMap<string, LiveNode> {
  return live instanceof Map ? live : new Map(Object.entries(live));
}

/** One node as it is drawn; `instance` is empty where there is only one of its kind, and that of its parent below several. */
type Drawn = { readonly node: TreeNode; readonly instance: string };

class Drawing {
  readonly text: string[] = [];
  readonly #live: ReadonlyMap<string, LiveNode> | undefined;
  readonly #lines: Lines;

  constructor(live: ReadonlyMap<string, LiveNode> | undefined, lines: Lines) {
    this.#live = live;
    this.#lines = lines;
  }

  /** `head` stands before the node's own line, `indent` before everything below it. */
  add(drawn: Drawn, head: string, indent: string): void {
    const { node, instance } = drawn;
    const instances = childrenOf(node).flatMap((child) => this.#instancesOf(child, instance));
    const children = instances.slice(0, INSTANCES_DRAWN_MAX);
    const below = indent + (children.length > 0 ? this.#lines.bar : this.#lines.gap);
    const name = nameOf(drawn);
    const now = this.#live?.get(name);
    const facts = this.#live === undefined ? staticFacts(node) : liveFacts(node, now);
    const [first = '', ...rest] = wrap(`${name}  ${facts}`, DRAWING_COLUMNS_MAX - below.length);
    this.text.push(head + first);
    const remark = this.#live === undefined ? node.why : (now?.lastError ?? '');
    for (const line of [...rest, ...wrap(remark, DRAWING_COLUMNS_MAX - below.length)]) this.text.push(below + line);
    children.forEach((child, index) => {
      const isLast = index === children.length - 1;
      const { last, branch, gap, bar } = this.#lines;
      this.add(child, indent + (isLast ? last : branch), indent + (isLast ? gap : bar));
    });
    const hidden = instances.length - children.length;
    if (hidden > 0) this.text.push(`${indent}${this.#lines.gap}and ${hidden} more`);
  }

  #instancesOf(node: TreeNode, parent: string): Drawn[] {
    if (this.#live === undefined || node.count === 'one') return [{ node, instance: parent }];
    const prefix = `${node.id}@${parent === '' ? '' : `${parent}/`}`;
    const names = [...this.#live.keys()].filter((name) => name.startsWith(prefix));
    // There may be none of what comes and goes; whatever else is missing is drawn as unknown.
    if (names.length === 0) return node.count === 'dynamic' && !this.#live.has(node.id) ? [] : [{ node, instance: '' }];
    const instances = names.map((name) => name.slice(node.id.length + 1));
    return instances.sort((one, other) => one.localeCompare(other, 'en', { numeric: true })).map((instance) => ({ node, instance }));
  }
}

function nameOf({ node, instance }: Drawn): string {
  return instance === '' ? node.id : `${node.id}@${instance}`;
}

const COUNTS = { one: '', 'each-scheduler': 'each ', dynamic: 'many on a ' } as const;

function staticFacts(node: TreeNode): string {
  const facts = [COUNTS[node.count] + node.thread, node.restart, `stop ${formatLimit(node.shutdown)}`];
  if (node.kind === 'supervisor') {
    const { restarts, periodMs } = node.intensity;
    facts.unshift(node.strategy);
    facts.push(`${restarts} restarts in ${periodMs / 1000} s`);
    if (node.strategy === 'dynamic') facts.push(node.giveUp);
  }
  // A fact is not broken in the middle.
  return `[${facts.join(', ').replace(/(?<!,) /g, NO_BREAK)}]`;
}

function formatLimit(shutdown: TreeNode['shutdown']): string {
  if (shutdown === 'infinity') return 'awaited';
  return typeof shutdown === 'number' ? `${shutdown / 1000} s` : shutdown;
}

function liveFacts(node: TreeNode, now: LiveNode | undefined): string {
  if (now === undefined) return '[unknown]';
  const facts = [now.state, `generation ${now.generation}`, `${now.restarts} restarts`];
  if (now.children !== undefined) facts.push(`${now.children} children`);
  return `[${node.thread}: ${facts.join(', ')}]`;
}

const NO_BREAK = '\u00a0';

/** Breaks at spaces, and inside a word only when the word alone is too long. Control characters are shown as dots. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '.').split(' ')) {
    let rest = word;
    if (line !== '' && line.length + 1 + rest.length > columns) {
      lines.push(line);
      line = '';
    }
    while (rest.length > columns) {
      lines.push(rest.slice(0, columns));
      rest = rest.slice(columns);
    }
    line = line === '' ? rest : `${line} ${rest}`;
  }
  if (line !== '') lines.push(line);
  return lines.map((broken) => broken.replaceAll(NO_BREAK, ' '));
}
