/** In one source file: the text that is right, which must stand there once, and what stands there instead. */
export type SourceChange = { readonly file: string; readonly right: string; readonly wrong: string };

/** The source with the change. Throws when the right text does not stand there once: no control can rot. */
export function changed(source: string, { file, right, wrong }: SourceChange): string {
  const places = source.split(right).length - 1;
  if (places !== 1) throw new Error(`"${right}" stands ${places} times in ${file}, not once`);
  return source.replace(right, () => wrong);
}
