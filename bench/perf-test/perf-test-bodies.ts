/** Bodies of messages that are somebody's files, or JSON that nobody has seen before. */
import { readFileSync } from 'node:fs';

export type BodyWish =
  | { readonly kind: 'files'; readonly files: readonly string[] }
  /** `sizeBytes`: as large at least, and no field more; `fields`: so many names and values to choose from. */
  | { readonly kind: 'json'; readonly sizeBytes: number; readonly count: number; readonly fields: number };

const NAME_LENGTHS = [5, 30] as const;
const VALUE_LENGTHS = [5, 200] as const;
const NAME_LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const VALUE_LETTERS = `${NAME_LETTERS}ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789`;

/** Throws an Error that names a file which cannot be read. */
export function bodiesOf(wish: BodyWish): Uint8Array[] {
  return wish.kind === 'files' ? wish.files.map(contentOf) : jsonBodies(wish);
}

function contentOf(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Error(`the body file ${file} cannot be read (${error instanceof Error ? error.message : String(error)})`);
  }
}

function jsonBodies({ sizeBytes, count, fields }: Extract<BodyWish, { kind: 'json' }>): Uint8Array[] {
  const values = Array.from({ length: fields }, () => word(VALUE_LENGTHS, VALUE_LETTERS));
  const names = Array.from({ length: fields }, () => word(NAME_LENGTHS, NAME_LETTERS));
  return Array.from({ length: count }, () => {
    const first = below(fields);
    const parts: string[] = [];
    for (let length = 0, index = 0; parts.length === 0 || length < sizeBytes; index += 1) {
      const turn = Math.floor(index / fields);
      const part = `"${names[(first + index) % fields]}${turn === 0 ? '' : turn}": "${values[below(fields)]}"`;
      parts.push(part);
      length += part.length + 2;
    }
    return Buffer.from(`{${parts.join(', ')}}`);
  });
}

function word([least, most]: readonly [number, number], letters: string): string {
  return Array.from({ length: least + below(most - least + 1) }, () => letters[below(letters.length)]).join('');
}

function below(limit: number): number {
  return Math.floor(Math.random() * limit);
}
