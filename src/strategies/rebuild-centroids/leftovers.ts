/** What a REINDEX CONCURRENTLY in an index's place leaves where it is cut short. */
import type { Host } from "../../host/host.ts";
import type { JobOwner } from "../../store/jobs.ts";
import { readIndexes, readLeftovers } from "../compact-indexes/indexes.ts";
import { dropIndex, oidOf } from "./indexes.ts";

/** Other INVALID indexes of its table, whoever left them: never ours to drop. */
export const invalidBeside = (host: Host, oid: string): readonly string[] =>
  readIndexes(host, [oid]).flatMap(({ known }) => known.filter((other) => other !== oid));

/**
 * Drops them: the new one, _ccnew, or the old one after the exchange, _ccold, which writers go on
 * filling. Called again until it answers null.
 * @param known what is not ours; undefined: an older version began it, and all that is called after
 *   the index is taken for its
 * @returns what it waits for; null: nothing is left
 */
export function dropLeftovers(
  host: Host,
  action: JobOwner,
  {
    index,
    oid,
    known = [],
  }: {
    readonly index: string;
    readonly oid: string;
    readonly known?: readonly string[] | undefined;
  },
): string | null {
  const now = oidOf(host, index) ?? oid;
  const [facts] = readIndexes(host, [now]);
  if (!facts) return null;
  // One that is called so itself, and was to be repaired, is no leftover of its own.
  const all = readLeftovers(host, { ...facts, index, oid, known });
  for (const left of all.filter((one) => one.oid !== now)) {
    if (left.locked) return `${left.index} is at work in another session`;
    const waiting = dropIndex(host, action, left.index);
    if (waiting !== null) return waiting;
  }
  return null;
}
