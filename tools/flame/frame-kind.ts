/** Whose time a frame is: what the page colours it by. */
export const FRAME_KINDS = ['broker', 'actors', 'native-free-io', 'dependency', 'node', 'native', 'collector', 'idle'] as const;
export type FrameKind = (typeof FRAME_KINDS)[number];

/** As V8 names what is no function: it waits, collects garbage, or is in native code or the system. */
const META: Readonly<Record<string, FrameKind>> = { '(idle)': 'idle', '(garbage collector)': 'collector', '(program)': 'native' };

/** `url`: of the script. A function without one is built into V8 or the system. */
export function frameKind(functionName: string, url: string): FrameKind {
  const meta = META[functionName];
  if (meta !== undefined) return meta;
  if (url === '') return 'native';
  if (url.startsWith('node:')) return 'node';
  if (url.includes('/node_modules/') && !inPackage(url)) return 'dependency';
  if (url.includes('/native-free-io/')) return 'native-free-io';
  return url.includes('/actors/') ? 'actors' : 'broker';
}

/** A broker that is installed lies in `node_modules` itself. */
function inPackage(url: string): boolean {
  return /\/node_modules\/leveret\/(?!node_modules\/)/.test(url) && !url.slice(url.lastIndexOf('/leveret/')).includes('/node_modules/');
}

/** The file as a reader knows it: from the project's root. */
export function frameFile(url: string): string {
  const path = url.replace(/^file:\/\//, '');
  const room = /\/((?:src|actors|native-free-io|tools|bench|bin)\/.*)$/.exec(path.replace('/dist/', '/'));
  if (room?.[1] !== undefined && !path.includes('/node_modules/')) return room[1];
  const dependency = path.lastIndexOf('/node_modules/');
  return dependency < 0 ? path.slice(path.lastIndexOf('/') + 1) : path.slice(dependency + '/node_modules/'.length);
}
