/** Which distance operators statements use of a table, by their texts. Pure. */

/** pgvector's: L2, inner product, cosine, L1, Hamming, Jaccard. */
const OPERATOR = /<->|<#>|<=>|<\+>|<~>|<%>/g;

export interface SearchTexts {
  readonly operators: readonly string[];
  /** Those of them that a statement has in an ORDER BY, with a LIMIT behind it. */
  readonly ordered: readonly string[];
}

/** A comment or a string may hold anything. */
const bare = (text: string): string =>
  text.replace(/--[^\n]*|\/\*[^]*?\*\/|'(?:''|[^'])*'/g, " ").toLowerCase();

/** A name by itself: docs is no part of docs_archive, nor of old_docs. */
const named = (text: string, names: readonly string[]): boolean => {
  const words = text.replace(/[^\p{L}\p{N}_$]+/gu, " ");
  return names.some((name) => {
    const wanted = name.toLowerCase();
    return /^[\p{L}\p{N}_$]+$/u.test(wanted)
      ? ` ${words} `.includes(` ${wanted} `)
      : text.includes(`"${wanted.replace(/"/g, '""')}"`);
  });
};

export function searchesIn(texts: readonly string[], names: readonly string[]): SearchTexts {
  const operators = new Set<string>();
  const ordered = new Set<string>();
  for (const text of texts.map(bare).filter((one) => named(one, names))) {
    const used = text.match(OPERATOR) ?? [];
    for (const operator of used) operators.add(operator);
    // An alias may stand for the distance: ORDER BY d LIMIT 10.
    if (/\border\s+by\b[^]*\b(limit|fetch)\b/.test(text))
      for (const operator of used) ordered.add(operator);
  }
  return { operators: [...operators].sort(), ordered: [...ordered].sort() };
}
