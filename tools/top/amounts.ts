/** Numbers as short as a column is narrow. */
const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const COUNTS = ['', 'k', 'M', 'G', 'T'];

/** `1,234`, `12.3k`, `4.5M`: at most six characters. */
export function count(value: number): string {
  if (value < 10_000) return Math.round(value).toLocaleString('en-US');
  return scaled(value, 1000, COUNTS, '');
}

/** `312 KiB`. */
export function size(bytes: number): string {
  return scaled(bytes, 1024, SIZES, ' ');
}

/** `45 %`. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** `230 us`, `1.2 ms`, `3.4 s`; a dash for none. */
export function duration(us: number): string {
  if (us <= 0) return '-';
  if (us < 1000) return `${Math.round(us)} us`;
  return us < 1_000_000 ? `${(us / 1000).toFixed(1)} ms` : `${(us / 1_000_000).toFixed(1)} s`;
}

/** `3 d 4 h`, `2 h 5 m`, `41 s`. */
export function age(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} m`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

function scaled(value: number, step: number, units: readonly string[], gap: string): string {
  let unit = 0;
  let left = value;
  while (left >= step && unit < units.length - 1) {
    left /= step;
    unit++;
  }
  const digits = left < 10 && unit > 0 ? 2 : left < 100 && unit > 0 ? 1 : 0;
  return `${left.toFixed(digits)}${gap}${units[unit]}`;
}
