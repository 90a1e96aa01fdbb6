/** Asks the list of conditions (conditions.ts): at registration, and for each batch. */
import type { Untrusted } from "../host/host.ts";
import { printable } from "../base/text.ts";
import type { Examined, Obstacle } from "./condition.ts";
import { CONDITIONS, noPlaces } from "./conditions.ts";

/**
 * Why rows of this table cannot be moved between partitions. Empty: they can. Asked at
 * registration, whenever the collection is loaded (before every decision), and under the lock of
 * every batch, forward and back. A move must be invisible, so everything that could see it, set
 * something off, wait for others, or lose a row, is a reason.
 */
export function obstacles(table: Examined): Obstacle[] {
  const unplaced = noPlaces(table.facts);
  if (unplaced) return [unplaced];
  const partitioned = { ...table, column: table.facts.partition_column! };
  return CONDITIONS.flatMap((condition) => condition(partitioned) ?? []);
}

/** The first three of them in one sentence. */
export function untrustedText(found: readonly Untrusted[]): string {
  const named = [...new Set(found.map(({ what }) => printable(what, 300)))];
  return (
    "code of roles that are not trusted would run: " +
    `${named.slice(0, 3).join("; ")}${named.length > 3 ? `; and ${named.length - 3} more` : ""}`
  );
}

/**
 * Code of roles that nobody trusts is not run, forward or back: nobody can answer for what it does.
 */
export function untrustedObstacles(found: readonly Untrusted[]): Obstacle[] {
  if (found.length === 0) return [];
  return [
    {
      reason: untrustedText(found),
      hint: printable(found[0]!.hint, 600),
      back: "never",
    },
  ];
}
