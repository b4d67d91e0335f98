/**
 * The rooms of the house and what each may import, as data. A file belongs to the room with the longest matching path; a room
 * not named in `may` is out of bounds. Design: imports point one way, from the concrete to the general.
 */
export type Room = {
  /** Folder or file, relative to the project. */
  readonly path: string;
  /** Rooms that may be imported, beside the own one. */
  readonly may: readonly string[];
  /** No clock, randomness, socket, thread: the same bytes in give the same bytes out. */
  readonly pure?: true;
  /** What to do instead, for the message. */
  readonly advice: string;
};

export const ROOMS: readonly Room[] = [
  { path: 'src/broker', may: [], pure: true, advice: 'take what you need through a port that src/main connects' },
  { path: 'src/amqp', may: ['src/broker'], pure: true, advice: 'take what you need through a port that src/main connects' },
  { path: 'src/store', may: ['src/broker'], pure: true, advice: 'take what you need through a port that src/main connects' },
  { path: 'actors/runtime', may: [], advice: 'the runtime knows nothing of AMQP or files: pass it in from the actor' },
  { path: 'native-free-io', may: [], advice: 'bytes know nothing of AMQP or actors: pass it in from the actor' },
  { path: 'actors/messages', may: ['actors/runtime', 'native-free-io', 'src/broker', 'src/amqp', 'src/store'], advice: 'messages are data: move behaviour into the actor' },
  {
    path: 'actors',
    may: ['actors/messages', 'actors/runtime', 'native-free-io', 'src/broker', 'src/amqp', 'src/store'],
    advice: 'actors are composed by src/main: take it as an argument',
  },
  {
    path: 'src/main',
    may: ['actors', 'actors/messages', 'actors/runtime', 'native-free-io', 'src/broker', 'src/amqp', 'src/store'],
    advice: 'the program ships without bench, test and tools: move what it needs into src, actors or native-free-io',
  },
  {
    path: 'tools',
    may: ['bench', 'src/main', 'actors', 'actors/messages', 'actors/runtime', 'native-free-io', 'src/broker', 'src/amqp', 'src/store'],
    advice: 'tools stand on the broker and on the load tool, not on tests or on benchmarks of single parts',
  },
  {
    path: 'bench/micro',
    may: ['bench', 'src/main', 'actors', 'actors/messages', 'actors/runtime', 'native-free-io', 'src/broker', 'src/amqp', 'src/store'],
    advice: 'benchmarks stand on the broker, not on its tests or tools',
  },
  { path: 'bench', may: ['bench/micro'], advice: 'the load tool runs against any broker and imports none' },
  {
    path: 'test',
    may: ['tools', 'bench', 'bench/micro', 'src/main', 'actors', 'actors/messages', 'actors/runtime', 'native-free-io', 'src/broker', 'src/amqp', 'src/store'],
    advice: 'import the room that owns it',
  },
];

/** What pure rooms may import from Node. */
export const PURE_NODE_MODULES: ReadonlySet<string> = new Set(['node:buffer']);

/** Files that something other than an import starts: package.json, a worker, a person. A trailing slash takes the whole folder. */
export const ENTRY_POINTS: readonly string[] = ['src/main/cli.ts', 'src/main/index.ts', 'tools/', 'bench/'];

export function roomOf(file: string): Room | undefined {
  const fitting = ROOMS.filter((room) => file === room.path || file.startsWith(`${room.path}/`));
  return fitting.sort((left, right) => right.path.length - left.path.length)[0];
}
