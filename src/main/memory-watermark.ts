/**
 * RabbitMQ's `vm_memory_high_watermark`: above it, publishers are stopped. Relative to the memory that the process may use, or
 * absolute, in bytes (RabbitMQ guide "Memory Threshold and Limit"; units from its guide "Configuration").
 */
export type MemoryWatermark = { readonly relative: number } | { readonly absoluteBytes: number };

/** Decimal and binary multiples; `k`, `m`, `g`, `t` alone are binary, as RabbitMQ reads them. */
const UNIT_BYTES: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ...(['k', 'm', 'g', 't'] as const).flatMap((letter, index): [string, number][] => [
    [letter, 1024 ** (index + 1)],
    [`${letter}ib`, 1024 ** (index + 1)],
    [`${letter}i`, 1024 ** (index + 1)],
    [`${letter}b`, 1000 ** (index + 1)],
  ]),
]);

/**
 * `0.4` is relative, `2147483648`, `512MB` and `2GiB` are absolute; a bare number up to 1 is a share, and `0` stops every
 * publisher. Undefined when the text is none of these.
 */
export function parseMemoryWatermark(text: string): MemoryWatermark | undefined {
  const parts = /^([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)$/i.exec(text.trim());
  if (parts === null) return undefined;
  const [, digits = '', unit = ''] = parts;
  const value = Number(digits);
  if (unit === '' && value <= 1) return { relative: value };
  const multiple = UNIT_BYTES.get(unit.toLowerCase());
  const bytes = value * (multiple ?? Number.NaN);
  const isWhole = unit === '' || unit.toLowerCase() === 'b' ? Number.isInteger(bytes) : true;
  if (!Number.isFinite(bytes) || !isWhole || bytes > Number.MAX_SAFE_INTEGER) return undefined;
  return { absoluteBytes: Math.floor(bytes) };
}

/** The watermark in bytes, where `usableBytes` is what the process may use. */
export function memoryLimitBytes(watermark: MemoryWatermark, usableBytes: number): number {
  return 'relative' in watermark ? Math.floor(watermark.relative * usableBytes) : watermark.absoluteBytes;
}
