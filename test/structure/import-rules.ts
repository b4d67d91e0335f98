/** Rules on who imports whom: rooms and cycles; and, apart, files that nobody needs. */
import { ENTRY_POINTS, PURE_NODE_MODULES, roomOf } from './rooms.ts';
import { importsOf, resolveFrom, startedBy } from './source-file.ts';
import type { Import, SourceFile } from './source-file.ts';

export function brokenImportRules(files: readonly SourceFile[]): string[] {
  const known = new Set(files.map((file) => file.path));
  return [...files.flatMap((file) => brokenEdges(file, known)), ...cycles(files)];
}

function brokenEdges(file: SourceFile, known: ReadonlySet<string>): string[] {
  const room = roomOf(file.path);
  if (room === undefined) return [`${file.path} room: it lies in no known room; move it, or name the room in test/structure/rooms.ts`];
  return importsOf(file).flatMap(({ specifier, line }) => {
    const where = `${file.path}:${line}`;
    if (!specifier.startsWith('.')) {
      if (room.pure !== true || PURE_NODE_MODULES.has(specifier)) return [];
      return [`${where} import: ${room.path} is pure and may not import ${specifier}; ${room.advice}`];
    }
    const target = resolveFrom(file.path, specifier);
    if (!/\.(?:ts|json)$/.test(target)) return [`${where} import: write the ending, ${specifier}.ts`];
    const targetRoom = roomOf(target);
    if (known.has(target) && targetRoom !== undefined && targetRoom !== room && !room.may.includes(targetRoom.path)) {
      return [`${where} import: ${room.path} may not import ${targetRoom.path}; ${room.advice}`];
    }
    return [];
  });
}

/** Imports of types alone are erased before the program runs and may point back, as an actor's to its scheduler. */
function cycles(files: readonly SourceFile[]): string[] {
  const edges = new Map(files.map((file) => [file.path, relativeImports(file, (given) => !given.isTypeOnly)]));
  const state = new Map<string, 'open' | 'done'>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      const ring = [...trail.slice(trail.indexOf(path)), path];
      found.push(`${path} cycle: ${ring.join(' -> ')}; move what both need into a third file`);
      return;
    }
    state.set(path, 'open');
    for (const next of edges.get(path) ?? []) if (edges.has(next)) visit(next, [...trail, path]);
    state.set(path, 'done');
  };
  for (const file of files) visit(file.path, []);
  return found;
}

/** A file must be needed by the program: a test alone does not keep it alive. */
export function deadFiles(files: readonly SourceFile[]): string[] {
  const program = files.filter((file) => !file.path.startsWith('test/'));
  const needed = new Set(program.flatMap((file) => [...relativeImports(file), ...startedBy(file)]));
  return program
    .filter((file) => !needed.has(file.path) && !ENTRY_POINTS.some((entry) => file.path === entry || (entry.endsWith('/') && file.path.startsWith(entry))))
    .map((file) => `${file.path} dead file: nothing imports it and nothing starts it; remove it, or name it in ENTRY_POINTS of test/structure/rooms.ts`);
}

function relativeImports(file: SourceFile, counts: (given: Import) => boolean = () => true): string[] {
  return importsOf(file)
    .filter((given) => given.specifier.startsWith('.') && counts(given))
    .map(({ specifier }) => resolveFrom(file.path, specifier));
}
