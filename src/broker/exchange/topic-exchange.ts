/**
 * topic: to whatever is bound with a pattern that the routing key matches (AMQP 0-9-1, section 3.1.3.3). The patterns are
 * kept in a trie of words:
 *
 *     stock.*.nyse ─┐        root ── stock ── * ── nyse  (bag)
 *     stock.#      ─┘                      └─ #         (bag)
 *
 * Matching walks the trie as a set of states, not as a search. After each word of the key the set holds every node that
 * some reading of the words so far has reached, each node once: the mark on the node says that it is in already. So the
 * work for one key is at most words times nodes, whatever the patterns are, where a backtracking search over patterns such
 * as `#.a.#.a.#.a` takes time exponential in their length.
 */
import type { BindingTerms, Exchange, RouteSink, RoutingProperties } from './exchange.ts';
import { DestinationBag } from './destination-bag.ts';
import { ANY_WORD, ANY_WORDS, normalWords } from './topic-pattern.ts';

class TrieNode<Destination> {
  readonly children = new Map<string, TrieNode<Destination>>();
  /** The child under `*`. */
  one: TrieNode<Destination> | undefined;
  /** The child under `#`. It is never the child of another `#`: patterns come in normal form. */
  many: TrieNode<Destination> | undefined;
  bag: DestinationBag<Destination> | undefined;
  /** True for a node under `#`: it stays in the set whatever the next word is. */
  readonly greedy: boolean;
  /** The step at which the node last entered the set. */
  mark = 0;

  constructor(greedy: boolean) {
    this.greedy = greedy;
  }

  get childless(): boolean {
    return this.children.size === 0 && this.one === undefined && this.many === undefined;
  }
}

export class TopicExchange<Destination> implements Exchange<Destination> {
  readonly dependsOnMore = false;
  readonly firstKeyOnly = false;
  readonly #root = new TrieNode<Destination>(false);
  #step = 0;
  #work = 0;
  /** The set of states before and after a word: two arrays used in turn, so that matching allocates nothing. */
  #current: TrieNode<Destination>[] = [];
  #next: TrieNode<Destination>[] = [];

  /** Nodes visited since the exchange was made: what a test may bound instead of time. */
  get work(): number {
    return this.#work;
  }

  validate(): undefined {
    return undefined;
  }

  bind(terms: BindingTerms, destination: Destination): void {
    let node = this.#root;
    for (const word of normalWords(terms.routingKey)) node = childUnder(node, word);
    node.bag ??= new DestinationBag();
    node.bag.add(destination);
  }

  unbind(terms: BindingTerms, destination: Destination): void {
    const words = normalWords(terms.routingKey);
    const path: TrieNode<Destination>[] = [this.#root];
    for (const word of words) {
      const child = existingChild(path.at(-1), word);
      if (child === undefined) throw new Error('assertion failed: unbind of a pattern that is not bound');
      path.push(child);
    }
    const leaf = path.at(-1);
    if (leaf?.bag?.remove(destination) !== true) return;
    leaf.bag = undefined;
    prune(path, words);
  }

  route(routingKey: string, _properties: RoutingProperties, sink: RouteSink<Destination>): void {
    this.#begin();
    if (routingKey !== '') {
      let from = 0;
      // The set runs empty early when nothing can match any more.
      while (from <= routingKey.length && this.#current.length > 0) {
        const dot = routingKey.indexOf('.', from);
        const to = dot < 0 ? routingKey.length : dot;
        this.#advance(routingKey.slice(from, to));
        from = to + 1;
      }
    }
    for (const node of this.#current) {
      if (node.bag === undefined) continue;
      const destinations = node.bag.destinations;
      for (let index = 0; index < destinations.length; index++) sink.add(destinations[index] as Destination);
    }
    this.#current.length = 0;
  }

  #begin(): void {
    this.#step++;
    this.#enter(this.#root, this.#current);
  }

  #advance(word: string): void {
    this.#step++;
    const next = this.#next;
    for (const node of this.#current) {
      if (node.greedy) this.#enter(node, next);
      const child = node.children.get(word);
      if (child !== undefined) this.#enter(child, next);
      if (node.one !== undefined) this.#enter(node.one, next);
    }
    this.#next = this.#current;
    this.#next.length = 0;
    this.#current = next;
  }

  /** A node comes with its `#` child, because `#` may stand for no word at all. */
  #enter(node: TrieNode<Destination>, set: TrieNode<Destination>[]): void {
    this.#work++;
    if (node.mark === this.#step) return;
    node.mark = this.#step;
    set.push(node);
    if (node.many !== undefined) this.#enter(node.many, set);
  }
}

function existingChild<Destination>(node: TrieNode<Destination> | undefined, word: string): TrieNode<Destination> | undefined {
  if (word === ANY_WORD) return node?.one;
  if (word === ANY_WORDS) return node?.many;
  return node?.children.get(word);
}

function childUnder<Destination>(node: TrieNode<Destination>, word: string): TrieNode<Destination> {
  if (word === ANY_WORD) return (node.one ??= new TrieNode(false));
  if (word === ANY_WORDS) return (node.many ??= new TrieNode(true));
  let child = node.children.get(word);
  if (child === undefined) {
    child = new TrieNode(false);
    node.children.set(word, child);
  }
  return child;
}

/** Takes away the nodes at the end of the path that no pattern needs any more. */
function prune<Destination>(path: readonly TrieNode<Destination>[], words: readonly string[]): void {
  for (let depth = words.length; depth > 0; depth--) {
    const node = path[depth];
    const parent = path[depth - 1];
    const word = words[depth - 1];
    if (node === undefined || parent === undefined || word === undefined) return;
    if (node.bag !== undefined || !node.childless) return;
    if (word === ANY_WORD) parent.one = undefined;
    else if (word === ANY_WORDS) parent.many = undefined;
    else parent.children.delete(word);
  }
}
