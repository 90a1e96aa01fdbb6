/** What a figure of few searches is worth. Pure. */

/**
 * Standard errors that are as sure of so few searches as two are of many: the error itself is
 * estimated from them (Student's t at 97.7 of 100, by Fisher's expansion). On a busy machine time
 * is over after five, of which one of forty would accuse an index that finds what is due.
 */
export function errorsOf(samples: number): number {
  const free = Math.max(1, samples - 1);
  return 2 + 2.5 / free + 3.06 / free ** 2 + 2.86 / free ** 3;
}

/**
 * No standard error is smaller than one search more that finds nothing would make it: two searches
 * that find eight of ten each have an error of 0 by their own figures. Where all found next to
 * nothing it is 1.6 times that: of lists of which a search finds all or nothing, three found
 * nothing where half is found.
 */
export const leastError = (samples: number, recall: number): number =>
  Math.max(1, 1.6 * (1 - recall)) / (samples + 2);

export interface Found {
  readonly recall: number | null;
  /** Measurements of older versions have none. */
  readonly recall_error?: number | null;
  readonly samples: number;
}

/** The standard error of a recall, as far as so few searches tell it. */
export const recallError = ({ recall, recall_error, samples }: Found): number =>
  Math.max(recall_error ?? 0, leastError(samples, recall ?? 1));

/**
 * How much above what was found the true recall may be. Where all rows there are were searched for
 * (of a filter those that match, two of them) nothing is left to luck but the build.
 */
export const mayBeMore = (measured: Found, rows: number): number =>
  measured.samples >= rows
    ? 2 * Math.max(measured.recall_error ?? 0, 1 / (measured.samples + 2))
    : errorsOf(measured.samples) * recallError(measured);

/** Half of what recall_error asks for by default: within it one standard error is enough. */
const CLOSE = 0.015;

/**
 * What is found at least. Less one standard error: the luckiest of hundreds of measurements lies
 * above the truth by more than that, and each later one is held against it. Of few searches less
 * nearly all that they may be off: ten that found all there was made 1 due of an index that finds
 * 0.8.
 */
export function sureRecall(measured: Found & { readonly rows: number }): number {
  const { recall, recall_error, samples, rows } = measured;
  // Of a small table all rows are searched for: nothing is left to luck.
  const error = samples >= rows ? (recall_error ?? 0) : recallError(measured);
  return Math.max(0, (recall ?? 0) - Math.max(error, errorsOf(samples) * error - CLOSE));
}

/**
 * The standard error of the mean blocks of a search, and no smaller than one search more that is
 * free would make it: three searches of one list cost the same. undefined: of an older version.
 */
export const blocksError = (
  blocks: number,
  error: number | null | undefined,
  samples: number,
): number => (error === undefined ? 0 : Math.max(error ?? 0, blocks / (samples + 2)));
