/** One branch or leaf page: everything about it that can be wrong without looking at another page. */
import {
  HEADER_BYTES, LARGE_VALUE_BYTES, NODE_BYTES, NodeFlag, PageFlag, TREE_RECORD_BYTES, largePages, nodeBytesMax, readNumber,
} from './page-layout.ts';
import { LmdbFileFault, type PageFile } from './page-file.ts';

/** Where a large value stands. */
export type LargeValue = { readonly page: number; readonly transaction: number; readonly pages: number };

/** Reusable: `load` fills it with another page, and everything it says is of the page loaded last. */
export class TreePage {
  readonly bytes: Buffer;
  number = 0;
  transaction = 0;
  leaf = false;
  /** Nodes. */
  count = 0;
  readonly #pageBytes: number;
  readonly #nodeBytesMax: number;
  /** By half the start of a node: its size. Only starts seen since the last `load` count, and each is set back to 0. */
  readonly #sizes: Uint16Array;

  constructor(pageBytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(pageBytes);
    this.#pageBytes = pageBytes;
    this.#nodeBytesMax = nodeBytesMax(pageBytes);
    this.#sizes = new Uint16Array(pageBytes / 2);
  }

  /** Reads the page and checks its header and that its nodes fill it without gap and overlap. Throws `LmdbFileFault`. */
  load(file: PageFile, page: number, leaf: boolean): void {
    this.number = page;
    this.leaf = leaf;
    file.read(this.bytes, page * this.#pageBytes, this.#pageBytes);
    this.#checkHeader();
    this.#checkNodes();
  }

  keyStart(index: number): number {
    return this.#node(index) + NODE_BYTES;
  }

  keyEnd(index: number): number {
    const node = this.#node(index);
    return node + NODE_BYTES + this.bytes.readUInt16LE(node + 6);
  }

  /** Of a branch. */
  child(index: number): number {
    const node = this.#node(index);
    return this.bytes.readUInt16LE(node + 4) * 0x1_0000_0000 + this.bytes.readUInt32LE(node);
  }

  /** Of a leaf: `NodeFlag`. */
  flags(index: number): number {
    return this.bytes.readUInt16LE(this.#node(index) + 4);
  }

  valueBytes(index: number): number {
    return this.bytes.readUInt32LE(this.#node(index));
  }

  /** Of a node with the flag `large`. */
  largeValue(index: number): LargeValue {
    const start = this.keyEnd(index);
    return { page: readNumber(this.bytes, start), transaction: readNumber(this.bytes, start + 8), pages: readNumber(this.bytes, start + 16) };
  }

  fault(what: string): never {
    this.#sizes.fill(0);
    throw new LmdbFileFault(`page ${this.number} (${this.leaf ? 'leaf' : 'branch'}): ${what}`);
  }

  #node(index: number): number {
    return HEADER_BYTES + this.bytes.readUInt16LE(HEADER_BYTES + 2 * index);
  }

  #checkHeader(): void {
    const said = readNumber(this.bytes, 0);
    if (said !== this.number) this.fault(`it says that it is page ${said}`);
    this.transaction = readNumber(this.bytes, 8);
    const flags = this.bytes.readUInt16LE(18);
    if (flags !== (this.leaf ? PageFlag.leaf : PageFlag.branch)) this.fault(`its flags are ${flags}`);
    const lower = this.bytes.readUInt16LE(20);
    const upper = this.bytes.readUInt16LE(22);
    if (lower % 2 !== 0 || upper % 2 !== 0 || lower > upper || upper > this.#pageBytes - HEADER_BYTES) {
      this.fault(`its bounds are ${lower} and ${upper}`);
    }
    this.count = lower / 2;
    if (this.count === 0) this.fault('it holds no node');
  }

  #checkNodes(): void {
    const upper = HEADER_BYTES + this.bytes.readUInt16LE(22);
    for (let index = 0; index < this.count; index++) {
      const node = this.#node(index);
      if (node % 2 !== 0 || node < upper || node + NODE_BYTES > this.#pageBytes) this.fault(`node ${index} starts outside of the nodes`);
      const size = this.leaf ? this.#leafNodeBytes(index) : this.#branchNodeBytes(index);
      if (node + size > this.#pageBytes) this.fault(`node ${index} ends outside of the page`);
      this.#sizes[node >>> 1] = size;
    }
    // From node to node by their sizes: that comes out at the end of the page after `count` steps only when they fill it.
    let at = upper;
    let seen = 0;
    for (; at < this.#pageBytes; seen++) {
      const size = this.#sizes[at >>> 1]!;
      if (size === 0) break;
      this.#sizes[at >>> 1] = 0;
      at += size;
    }
    if (at === this.#pageBytes && seen === this.count) return;
    this.fault('its nodes overlap or leave gaps');
  }

  #branchNodeBytes(index: number): number {
    const keyBytes = this.bytes.readUInt16LE(this.#node(index) + 6);
    if (index > 0 && keyBytes === 0) this.fault(`node ${index} has no key`);
    return (NODE_BYTES + keyBytes + 1) & -2;
  }

  #leafNodeBytes(index: number): number {
    const keyBytes = this.bytes.readUInt16LE(this.#node(index) + 6);
    const flags = this.flags(index);
    const valueBytes = this.valueBytes(index);
    if (keyBytes === 0) this.fault(`node ${index} has no key`);
    if (flags !== NodeFlag.none && flags !== NodeFlag.large && flags !== NodeFlag.tree) this.fault(`node ${index} has the flags ${flags}`);
    if (flags === NodeFlag.tree && valueBytes !== TREE_RECORD_BYTES) this.fault(`node ${index} is no record of a tree`);
    const size = NODE_BYTES + keyBytes + (flags === NodeFlag.large ? LARGE_VALUE_BYTES : valueBytes);
    if (size > this.#nodeBytesMax) this.fault(`node ${index} is longer than a node can be`);
    if (flags === NodeFlag.large) this.#checkLarge(index, valueBytes, this.#node(index) + size);
    return (size + 1) & -2;
  }

  #checkLarge(index: number, valueBytes: number, end: number): void {
    if (end > this.#pageBytes) this.fault(`node ${index} ends outside of the page`);
    const { pages } = this.largeValue(index);
    // A value that shrank within its transaction keeps its pages, so there may be more than it needs.
    if (!(pages >= largePages(valueBytes, this.#pageBytes))) this.fault(`node ${index} has ${valueBytes} bytes on ${pages} pages`);
  }
}
