/** Ways in which a device, a cable, a file system or a person damages a file. Each tells in a few words what it did. */
import { Random } from '../support/hostile/random.ts';

const PAGE_BYTES = 4096;
const SECTOR_BYTES = 512;
const META_BYTES = 168;

type Damage = (bytes: Buffer, random: Random, earlier: Buffer) => string | Buffer;
/** Pages that the newest transaction reaches: branches, and branches and leaves together. */
type TreePages = { readonly branches: readonly number[]; readonly all: readonly number[] };

/** Branch and leaf pages stand for a small part of the file and carry all of its structure: most damages aim at them. */
const DAMAGES: Readonly<Record<string, Damage>> = {
  'bit flip': (bytes, random) => flip(bytes, random.below(bytes.length), random),
  'bit flip in a page of a tree': (bytes, random) => flip(bytes, treePage(bytes, random) * PAGE_BYTES + random.below(PAGE_BYTES), random),
  'bit flip in the head of a page': (bytes, random) => flip(bytes, treePage(bytes, random) * PAGE_BYTES + random.below(40), random),
  'bit flip in a slot or node': (bytes, random) => flip(bytes, nodeByte(bytes, random), random),
  'bit flip in a meta page': (bytes, random) => flip(bytes, random.below(2) * PAGE_BYTES + random.below(META_BYTES), random),
  'number in a page of a tree': (bytes, random) => {
    const at = random.chance(50) ? nodeByte(bytes, random) & -2 : treePage(bytes, random) * PAGE_BYTES + 2 * random.below(30);
    return writeNumber(bytes, Math.min(at, bytes.length - 8), random);
  },
  'number in a meta page': (bytes, random) => writeNumber(bytes, random.below(2) * PAGE_BYTES + 8 * random.below(META_BYTES / 8), random),
  'zeroed page': (bytes, random) => {
    const page = anyPage(bytes, random);
    bytes.fill(0, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
    return `page ${page}`;
  },
  'zeroed sector': (bytes, random) => {
    const at = anyPage(bytes, random) * PAGE_BYTES + SECTOR_BYTES * random.below(PAGE_BYTES / SECTOR_BYTES);
    bytes.fill(0, at, at + SECTOR_BYTES);
    return `byte ${at}`;
  },
  'random page': (bytes, random) => {
    const page = anyPage(bytes, random);
    random.bytes(PAGE_BYTES).copy(bytes, page * PAGE_BYTES);
    return `page ${page}`;
  },
  'random bytes': (bytes, random) => {
    const at = anyPage(bytes, random) * PAGE_BYTES + random.below(PAGE_BYTES - 64);
    random.bytes(random.between(1, 64)).copy(bytes, at);
    return `byte ${at}`;
  },
  'swapped pages': (bytes, random) => {
    const [one, other] = [anyPage(bytes, random), anyPage(bytes, random)];
    const kept = Buffer.from(pageOf(bytes, one));
    pageOf(bytes, other).copy(bytes, one * PAGE_BYTES);
    kept.copy(bytes, other * PAGE_BYTES);
    return `pages ${one} and ${other}`;
  },
  'misdirected write': (bytes, random) => {
    const [from, to] = [anyPage(bytes, random), anyPage(bytes, random)];
    pageOf(bytes, from).copy(bytes, to * PAGE_BYTES);
    return `page ${from} on ${to}`;
  },
  'lost write': (bytes, random, earlier) => {
    const page = changedPage(bytes, earlier, random);
    pageOf(earlier, page).copy(bytes, page * PAGE_BYTES);
    return `page ${page}`;
  },
  'cut tail': (bytes, random) => bytes.subarray(0, random.chance(50) ? random.below(bytes.length) : bytes.length - random.below(8 * PAGE_BYTES)),
};

/** Damages `bytes` or a part of them, and says how. The seed decides everything. */
export function damage(pristine: Buffer, earlier: Buffer, seed: number): { bytes: Buffer; what: string } {
  const random = new Random(seed);
  const kind = random.pick(Object.keys(DAMAGES));
  let bytes = Buffer.from(pristine);
  treePages.set(bytes, findTreePages(pristine));
  const told = DAMAGES[kind]!(bytes, random, earlier);
  if (typeof told === 'string') return { bytes, what: `${kind}: ${told}` };
  bytes = Buffer.from(told);
  return { bytes, what: `${kind}: ${bytes.length} of ${pristine.length} bytes` };
}

function flip(bytes: Buffer, at: number, random: Random): string {
  const bit = random.below(8);
  bytes[at] = bytes[at]! ^ (1 << bit);
  return `bit ${bit} of byte ${at} (page ${Math.floor(at / PAGE_BYTES)}, ${at % PAGE_BYTES})`;
}

function writeNumber(bytes: Buffer, at: number, random: Random): string {
  const size = random.pick([1, 2, 4]);
  const number = random.pick([0, 1, 2, 0x7f, 0xff, random.below(256)]);
  const sign = random.chance(30) ? 0xff : 0;
  bytes[at] = number;
  bytes.fill(sign, at + 1, at + size);
  return `${number} in ${size} bytes from byte ${at} (page ${Math.floor(at / PAGE_BYTES)}, ${at % PAGE_BYTES})`;
}

function pageOf(bytes: Buffer, page: number): Buffer {
  return bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
}

function anyPage(bytes: Buffer, random: Random): number {
  return random.chance(60) ? treePage(bytes, random) : random.below(Math.floor(bytes.length / PAGE_BYTES));
}

/** A branch or leaf page. Damaged bytes are asked for the pages that they had before. */
function treePage(bytes: Buffer, random: Random): number {
  const { branches, all } = treePages.get(bytes)!;
  return random.pick(branches.length > 0 && random.chance(30) ? branches : all);
}

const treePages = new WeakMap<Buffer, TreePages>();

function findTreePages(bytes: Buffer): TreePages {
  const known = treePages.get(bytes);
  if (known !== undefined) return known;
  const branches: number[] = [];
  const all: number[] = [];
  const visit = (page: number): void => {
    const start = page * PAGE_BYTES;
    all.push(page);
    if (bytes[start + 18] !== 1) return;
    branches.push(page);
    for (let slot = 0; slot < bytes.readUInt16LE(start + 20) / 2; slot++) {
      visit(bytes.readUInt32LE(start + 24 + bytes.readUInt16LE(start + 24 + 2 * slot)));
    }
  };
  const newest = bytes.readUInt32LE(152) > bytes.readUInt32LE(PAGE_BYTES + 152) ? 0 : PAGE_BYTES;
  for (const root of [newest + 88, newest + 136]) if (bytes.readUInt32LE(root) !== 0xffff_ffff) visit(bytes.readUInt32LE(root));
  treePages.set(bytes, { branches, all });
  return { branches, all };
}

/** A page that the last commits have written, and that was there before. */
function changedPage(bytes: Buffer, earlier: Buffer, random: Random): number {
  const pages = pagesWhere(bytes, (page) => (page + 1) * PAGE_BYTES <= earlier.length && !pageOf(bytes, page).equals(pageOf(earlier, page)));
  return random.pick(pages.length > 0 ? pages : [0]);
}

function pagesWhere(bytes: Buffer, fits: (page: number) => boolean): number[] {
  return Array.from({ length: Math.floor(bytes.length / PAGE_BYTES) }, (_, page) => page).filter(fits);
}

/** A byte of the slots of a page, or of the head of one of its nodes. */
function nodeByte(bytes: Buffer, random: Random): number {
  const page = treePage(bytes, random) * PAGE_BYTES;
  const count = Math.max(1, bytes.readUInt16LE(page + 20) / 2);
  const slot = page + 24 + 2 * random.below(count);
  if (random.chance(40)) return slot + random.below(2);
  return Math.min(page + PAGE_BYTES - 1, page + 24 + bytes.readUInt16LE(slot) + random.below(48));
}
