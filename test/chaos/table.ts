/** What many runs came to, in tables that a report can take as they are. */
import type { Result } from "./run.ts";

const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;

const heads = (cells: readonly (string | number)[]): string[] => [
  line(cells),
  line(cells.map((_, place) => (place === 0 ? "---" : "---:"))),
];

/** A line a seed, then a line a kind of fault with the seeds beside one another. */
export function tableOf(results: readonly Result[]): string {
  const bySeed = results.map((result) => {
    const { seed, survived, missed, seconds, statements, violation } = result;
    const hits = total(survived);
    return line([
      seed,
      hits,
      Object.keys(survived).length,
      total(missed),
      Math.round(seconds),
      (hits / Math.max(seconds / 60, 0.01)).toFixed(1),
      statements,
      violation ? `${violation.found.length} at fault ${violation.number}` : 0,
    ]);
  });
  const all = results.reduce((sum, { survived }) => sum + total(survived), 0);
  const seconds = results.reduce((sum, one) => sum + one.seconds, 0);
  const kinds = [...new Set(results.flatMap(({ survived }) => Object.keys(survived)))].sort();
  const count = (kind: string): number =>
    results.reduce((sum, { survived }) => sum + (survived[kind] ?? 0), 0);
  return [
    ...heads([
      "seed",
      "survived",
      "kinds",
      "nothing to hit",
      "seconds",
      "a minute",
      "statements",
      "violations",
    ]),
    ...bySeed,
    line([
      "all",
      all,
      kinds.length,
      results.reduce((sum, { missed }) => sum + total(missed), 0),
      Math.round(seconds),
      (all / Math.max(seconds / 60, 0.01)).toFixed(1),
      results.reduce((sum, { statements }) => sum + statements, 0),
      results.reduce((sum, { violation }) => sum + (violation?.found.length ?? 0), 0),
    ]),
    "",
    ...heads(["fault", ...results.map(({ seed }) => seed), "all"]),
    ...kinds.map((kind) =>
      line([kind, ...results.map(({ survived }) => survived[kind] ?? ""), count(kind)]),
    ),
  ].join("\n");
}
