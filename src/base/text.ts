/**
 * Small pieces of text for people: summaries, refusals, terminal lines. Written without Intl and
 * locale functions: the same on V8 and QuickJS, whatever the server's locale.
 */

/**
 * C0 and C1 controls, zero-width and bidirectional marks, line separators and lone surrogates:
 * names of tables and jobs may hold them, and they would rewrite a terminal or a log line, or not
 * fit into jsonb.
 */
const UNPRINTABLE =
  /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/gu;

/**
 * A name as it may be shown on one line: nothing that acts on the screen, at most `max` characters.
 */
export function printable(text: string, max = 80): string {
  const characters = Array.from(text.replace(UNPRINTABLE, "?"));
  return characters.length <= max
    ? characters.join("")
    : `${characters.slice(0, max - 3).join("")}...`;
}

/** What a person wrote in lines, as one: a line's end is no character that was meant to be seen. */
export const oneLine = (text: string): string => text.trim().replace(/\s*[\r\n]+\s*/g, " ");

/**
 * A text as an SQL literal that may be shown and typed: what acts on the screen is written as its
 * code point.
 */
export function sqlLiteral(text: string): string {
  const quoted = text.replace(/'/g, "''");
  if (quoted.search(UNPRINTABLE) === -1) return `'${quoted}'`;
  const shown = quoted
    .replace(/\\/g, "\\\\")
    .replace(UNPRINTABLE, (one) => `\\${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `U&'${shown}'`;
}

/**
 * The statement that changes settings of one collection: its own settings win over the global ones.
 */
export const configure = (settings: string, collection: string): string =>
  `SELECT ruvector_healing_configure('${settings}', ${sqlLiteral(collection)});`;

/** Order by code unit, the same everywhere (localeCompare depends on the engine's data). */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/**
 * 4.83 -> "4.8", 5 -> "5", 0.04 -> "0.04": at most one decimal, more only where the number would
 * read as zero.
 */
export function short(value: number): string {
  if (!Number.isFinite(value) || Number.isInteger(value)) return String(value);
  const fixed = value.toFixed(1);
  return Number(fixed) === 0 ? String(Number(value.toPrecision(1))) : fixed.replace(/\.0$/, "");
}

/** As `short`, and never less: what is above a limit reads as above it. 2.04 -> "2.1". */
export const shortAbove = (value: number): string => short(Math.ceil(10 * value) / 10);

/** Lambda for people: two decimals, null as words. 0.3223 -> "0.32", 1 -> "1". */
export const lambdaText = (lambda: number | null): string =>
  lambda === null ? "not known" : String(Number(lambda.toFixed(2)));

/** A fraction as a whole percentage that never rounds up to "all" or down to "nothing". */
export function percent(fraction: number): string {
  if (fraction > 0 && fraction < 0.01) return "less than 1 %";
  if (fraction > 0.99 && fraction < 1) return "over 99 %";
  return `${Math.round(fraction * 100)} %`;
}

/** Bytes as pg_size_pretty writes them: powers of 1024, called kB, MB, GB, TB. */
export function bytes(value: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let scaled = value;
  let unit = 0;
  while (Math.abs(scaled) >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit++;
  }
  return `${short(scaled)} ${units[unit]}`;
}

export const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** 1, "link" -> "1 link"; 2, "link" -> "2 links". */
export function count(n: number, noun: string): string {
  const plural = noun.endsWith("x") ? "es" : "s";
  return `${n} ${noun}${n === 1 ? "" : plural}`;
}

/** "a", "a and b", "a, b and c", "a, b, c and 4 more". */
export function list(names: readonly string[], max = 3): string {
  const shown = names.slice(0, max).map((name) => printable(name));
  const more = names.length - shown.length;
  const parts = more > 0 ? [...shown, `${more} more`] : shown;
  if (parts.length <= 1) return parts.join("");
  return `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}`;
}

/** Seconds since the epoch -> "2026-01-15T10:35:00Z"; a number that is no time stays a number. */
export function utc(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime())
    ? String(seconds)
    : date.toISOString().replace(/\.\d{3}Z$/, "Z");
}
