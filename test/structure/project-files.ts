import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceFile } from './source-file.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const TOP_FOLDERS = ['src', 'actors', 'native-free-io', 'bench', 'test', 'tools'];

/** Every TypeScript file of the project. */
export function projectFiles(): SourceFile[] {
  return TOP_FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${folder}/${file.replaceAll('\\', '/')}`),
  ).map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}
