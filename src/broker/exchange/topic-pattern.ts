/**
 * The words of topic patterns and routing keys. Words are split at dots and may be empty; a wholly empty key has no word at
 * all (rabbit_exchange_type_topic:split_topic_key).
 */

/** One word, any. */
export const ANY_WORD = '*';
/** Any number of words, none included. */
export const ANY_WORDS = '#';

export function wordsOf(routingKey: string): string[] {
  return routingKey === '' ? [] : routingKey.split('.');
}

/**
 * The words of a pattern in normal form: in every run of wildcards all `*` come first and at most one `#` ends the run. The
 * run `#.*.#` matches what `*.#` matches, one word or more, but costs a matcher far less; `#.#.#` becomes `#`. Two patterns
 * with the same normal form match the same keys, so they may share their place in the trie.
 */
export function normalWords(pattern: string): string[] {
  const normal: string[] = [];
  let open = false;
  for (const word of wordsOf(pattern)) {
    if (word === ANY_WORDS) {
      open = true;
      continue;
    }
    if (open && word !== ANY_WORD) {
      normal.push(ANY_WORDS);
      open = false;
    }
    normal.push(word);
  }
  if (open) normal.push(ANY_WORDS);
  return normal;
}
