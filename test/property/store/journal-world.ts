import { crc32 } from 'node:zlib';
import * as assert from 'uvu/assert';
import type { JournaledDisk } from '../../../src/store/journal/journaled-disk.ts';
import { type DiskChange, DiskFullError } from '../../../src/store/port.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';
import { SimJournal } from '../../support/sim/sim-journal.ts';
import type { JournalModule } from './journal-copy.ts';

const FROM = Buffer.alloc(0);
/** Behind all keys of the histories, and before the mark of the journal. */
const TO = Buffer.from([0x80]);
const BLOCK_BYTES = 4096;

/** The end of the process in the middle of a write. */
class End extends Error {}

export type Put = { readonly key: number; readonly sizeBytes: number | undefined };
export type DamageKind = 'bit' | 'zeroed block' | 'cut' | 'missing' | 'other block';

/** A journaled disk over a database and a file in memory, beside a model: what must be there. */
export class JournalWorld {
  readonly #module: JournalModule;
  #database = new MemoryDisk();
  /** The database after the last stop in order, and what was in it. */
  #backup: { readonly database: MemoryDisk; readonly model: Map<string, Buffer> } | undefined;
  readonly #file = new SimJournal();
  #disk: JournaledDisk;
  #model = new Map<string, Buffer>();
  /** The model before the last commit. */
  #before = new Map<string, Buffer>();
  /** The model with a commit that found no room: when the process ends before the next one, its record may be there. */
  #refused: Map<string, Buffer> | undefined;
  #contents = 0;
  damagesFound = 0;

  constructor(module: JournalModule) {
    this.#module = module;
    this.#disk = this.#open();
  }

  commit(puts: readonly Put[]): void {
    const changes = this.#changesOf(puts);
    try {
      this.#disk.commit(changes);
    } catch (error) {
      if (!(error instanceof DiskFullError)) throw error;
      this.#refused ??= withChanges(this.#model, changes);
      return;
    }
    this.#took(changes);
  }

  idle(): void {
    for (let twice = 0; twice < 2; twice++) this.#disk.idle();
  }

  full(full: boolean, inPlace: boolean): void {
    this.#database.full = full;
    this.#file.full = full;
    this.#file.writesInPlace = inPlace;
  }

  /** Stopped in order, with room. What is in the journal then does not count. */
  restart(spoils: boolean): void {
    this.kill();
    this.full(false, true);
    // The first one goes to the database, the second one to the journal; who has committed nothing changes nothing.
    for (let key = 0; key < 2; key++) this.commit([{ key, sizeBytes: 4 }]);
    this.#disk.close();
    if (spoils) this.#file.change((bytes) => bytes.fill(0x55));
    this.#backup = { database: this.#database.copy(), model: this.#model };
    this.#disk = this.#open();
    assert.equal(this.#disk.faults, []);
  }

  /** A copy of the database alone is put back; the journal has gone on. */
  putBack(): void {
    if (this.#backup === undefined) return;
    this.#database = this.#backup.database.copy();
    this.#model = this.#backup.model;
    this.#before = this.#model;
    this.#refused = undefined;
    this.#disk = this.#open();
  }

  kill(): void {
    this.#disk = this.#open();
    if (this.#refused !== undefined && !this.#matches(this.#model) && this.#matches(this.#refused)) {
      this.#before = this.#model;
      this.#model = this.#refused;
    }
    this.#refused = undefined;
  }

  /** The power fails in the next commit, if it writes to the journal; some sectors are there. */
  loseRecord(puts: readonly Put[], survives: readonly boolean[], moment: 'before' | 'within' | 'after'): void {
    const changes = this.#changesOf(puts);
    this.#file.survives = (sector) => survives[sector % survives.length]!;
    this.#file.plan = (now) => {
      if (now === moment) throw new End();
    };
    try {
      this.#disk.commit(changes);
      this.#took(changes);
    } catch (error) {
      if (!(error instanceof End || error instanceof DiskFullError)) throw error;
      this.#expectFailed(error);
      // What was not confirmed may be there.
      this.#refused ??= withChanges(this.#model, changes);
    }
    this.#file.plan = undefined;
    this.kill();
  }

  /** The same at the commits of the database, which are whole or nothing. */
  loseCommit(done: boolean): void {
    const { commit } = this.#database;
    this.#database.commit = (changes) => {
      if (done) commit.call(this.#database, changes);
      throw new End();
    };
    try {
      this.idle();
    } catch (error) {
      if (!(error instanceof End || error instanceof DiskFullError)) throw error;
    }
    this.#database.commit = commit;
    this.kill();
  }

  /** The process ends, and its journal is spoilt: that is told, or does no harm. */
  damage(kind: DamageKind, at: number): void {
    this.kill();
    const sound = this.#file.read();
    if (sound === undefined) return;
    this.#file.change((bytes) => spoilt(bytes, kind, at));
    let opened: JournaledDisk | undefined;
    try {
      opened = this.#open();
    } catch (error) {
      assert.match(String(error), 'the journal of the store is damaged');
      this.damagesFound++;
    }
    if (opened !== undefined) {
      // Of a write that the device lost without a word, nothing can tell when it was the last one.
      const mayMissLast = opened.faults.length > 0 || kind === 'other block';
      this.#disk = opened;
      assert.ok(this.#matches(this.#model) || (mayMissLast && this.#matches(this.#before)), `${kind} at ${at} is served, and nothing is said`);
    }
    this.#file.change(() => sound);
    this.#disk = this.#open();
  }

  check(): void {
    assert.ok(this.#matches(this.#model), 'what is there is not what was committed');
    for (const [text, value] of this.#model) assert.ok(this.#disk.get(Buffer.from(text, 'latin1'))?.equals(value), `${text} is not found`);
    assert.is(this.#disk.get(Buffer.from('none')), undefined);
    const middle = Buffer.from([0x10, 3]);
    const keys = [...this.#disk.keys(middle, TO)].map((key) => key.toString('latin1'));
    assert.equal(keys, [...this.#model.keys()].filter((text) => text >= middle.toString('latin1')).sort());
  }

  #open(): JournaledDisk {
    return new this.#module.JournaledDisk(this.#database, this.#file, crc32);
  }

  #expectFailed(error: unknown): void {
    if (!(error instanceof End)) return;
    assert.throws(() => this.#disk.commit([{ key: Buffer.from('late'), value: undefined }]), (later: unknown) => later === error);
  }

  #took(changes: readonly DiskChange[]): void {
    this.#refused = undefined;
    this.#before = this.#model;
    this.#model = withChanges(this.#model, changes);
  }

  #matches(model: ReadonlyMap<string, Buffer>): boolean {
    const found = [...this.#disk.entries(FROM, TO)];
    const wanted = [...model].sort(([left], [right]) => (left < right ? -1 : 1));
    return found.length === wanted.length && wanted.every(([text, value], at) => found[at]!.key.toString('latin1') === text && found[at]!.value.equals(value));
  }

  #changesOf(puts: readonly Put[]): DiskChange[] {
    return puts.map(({ key, sizeBytes }) => ({ key: Buffer.from([0x10, key]), value: sizeBytes === undefined ? undefined : this.#content(sizeBytes) }));
  }

  /** Zeros among them: they are as good as anything else. */
  #content(sizeBytes: number): Buffer {
    const content = Buffer.alloc(sizeBytes);
    if (sizeBytes >= 4) content.writeUInt32BE(this.#contents++, 0);
    return content;
  }
}

function withChanges(model: ReadonlyMap<string, Buffer>, changes: readonly DiskChange[]): Map<string, Buffer> {
  const after = new Map(model);
  for (const { key, value } of changes) {
    const text = Buffer.from(key).toString('latin1');
    if (value === undefined) after.delete(text);
    else after.set(text, Buffer.from(value));
  }
  return after;
}

function spoilt(bytes: Buffer, kind: DamageKind, at: number): Buffer | undefined {
  const block = Math.floor(at / BLOCK_BYTES) % (bytes.length / BLOCK_BYTES);
  switch (kind) {
    case 'bit':
      bytes[at % bytes.length]! ^= 1 << (at % 8);
      return bytes;
    case 'zeroed block':
      return bytes.fill(0, block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
    case 'cut':
      return bytes.subarray(0, at % bytes.length);
    case 'missing':
      return undefined;
    case 'other block':
      // Of the end, which is seldom reached, or of the record behind.
      bytes.copyWithin(block * BLOCK_BYTES, at % 2 === 0 ? bytes.length - BLOCK_BYTES : (block + 1) * BLOCK_BYTES, at % 2 === 0 ? bytes.length : (block + 2) * BLOCK_BYTES);
      return bytes;
  }
}
