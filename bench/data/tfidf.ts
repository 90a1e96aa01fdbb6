/** Texts as weighted words: sublinear term frequency times inverse document frequency. */

/** Rows of a sparse matrix: those of row r are at start[r] to start[r + 1]. */
export interface Sparse {
  readonly rows: number;
  readonly columns: number;
  readonly start: Int32Array;
  readonly column: Int32Array;
  readonly value: Float64Array;
}

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[a-z]{2,}/g) ?? [];

/** Words in so few texts join nothing; in more than a tenth of them, they join everything. */
const FEWEST = 3;
const LARGEST_SHARE = 0.1;

/** Each row has length 1, or no words that count. */
export function tfidf(texts: readonly string[]): Sparse {
  const counted = texts.map((text) => {
    const counts = new Map<string, number>();
    for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
    return counts;
  });
  const texts_with = new Map<string, number>();
  for (const counts of counted)
    for (const word of counts.keys()) texts_with.set(word, (texts_with.get(word) ?? 0) + 1);
  const known = [...texts_with]
    .filter(([, n]) => n >= FEWEST && n <= LARGEST_SHARE * texts.length)
    .map(([word]) => word);
  const place = new Map(known.map((word, i) => [word, i]));
  const start = new Int32Array(texts.length + 1);
  const column: number[] = [];
  const value: number[] = [];
  for (const [row, counts] of counted.entries()) {
    const weights = [...counts].flatMap(([word, n]) =>
      place.has(word)
        ? [{ word, w: (1 + Math.log(n)) * Math.log(texts.length / texts_with.get(word)!) }]
        : [],
    );
    const length = Math.sqrt(weights.reduce((sum, { w }) => sum + w * w, 0));
    for (const { word, w } of weights) {
      column.push(place.get(word)!);
      value.push(w / length);
    }
    start[row + 1] = column.length;
  }
  return {
    rows: texts.length,
    columns: known.length,
    start,
    column: Int32Array.from(column),
    value: Float64Array.from(value),
  };
}
