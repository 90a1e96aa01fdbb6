/** What is said where no setting has a search with a filter find what is due. */
import sql from "sql-template-tag";
import { short, shortAbove } from "../../base/text.ts";
import { figures } from "../../classify/findings.ts";
import type { Collection } from "../../model/collection.ts";
import type { Search } from "../../model/recall.ts";
import type { Host } from "../../host/host.ts";
import { searchFinds } from "../../sense/assess/recall-health.ts";
import type { SearchMeasurement } from "../../sense/vector-index.ts";
import type { Tried } from "./tried.ts";

/**
 * An index on the columns of the filter: then the planner reads the rows that match where they are
 * few, and each search is exact.
 */
export const indexByHand = (host: Host, { relid }: Collection, { where }: Search): string =>
  host.one<{ hint: string }>(sql`
    SELECT format('An index on what is asked for has the planner read the rows that match, where '
             'they are few: CREATE INDEX%s ON %I.%I (%s);',
             -- Not of a partitioned table.
             CASE WHEN c.relkind = 'p' THEN '' ELSE ' CONCURRENTLY' END, n.nspname, c.relname,
             (SELECT string_agg(quote_ident(w), ', ')
                FROM jsonb_object_keys(${JSON.stringify(where)}::jsonb) w)) AS hint
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = ${relid}::oid`).hint;

interface Attempt {
  readonly before: SearchMeasurement;
  readonly tried: readonly Tried[];
  readonly due: number;
}

/** "return 1.1 of 10 rows; hnsw.iterative_scan = strict_order would find 0.9, ..." */
export function whatWasTried(
  host: Host,
  { before, tried, due }: Attempt,
  { settings }: Collection,
): string {
  const { search_cost_ratio: most } = settings;
  const told = tried
    .filter(({ after }, place) => searchFinds(after, due, settings) || last(tried, place))
    .map(({ means: { setting, value }, after, each, plain, turns }) => {
      if (after.indexes.length === 0 || turns)
        return `with ${setting} = ${value} the planner would not take the index`;
      const dear = [
        ...((each ?? 0) > most
          ? [`${shortAbove(each ?? 0)} times the cost of each row found`]
          : []),
        ...(plain > most
          ? [`${shortAbove(plain)} times the cost of a search without a filter`]
          : []),
      ];
      return (
        `${setting} = ${value} would find ${figures(after.recall ?? 0)}` +
        (dear.length > 0 ? ` at ${dear.join(" and ")}` : "")
      );
    });
  const scans = Object.keys(before.settings).some((name) => name.endsWith(".iterative_scan"));
  return (
    `return ${short(before.returned ?? 0)} of ${short(before.asked ?? 0)} rows, ` +
    `${figures(before.recall ?? 0)} of the nearest, ${figures(due)} is due: ` +
    (told.length > 0 ? told.slice(0, 4).join(", ") : "no setting is left to try") +
    `; search_cost_ratio allows ${short(most)}` +
    (scans ? "" : `. pgvector ${pgvectorOf(host)} has no iterative scans, 0.8.0 has`)
  );
}

/** The last value that was tried of its setting. */
const last = (tried: readonly Tried[], place: number): boolean =>
  tried[place + 1]?.means.setting !== tried[place]!.means.setting;

const pgvectorOf = (host: Host): string =>
  host.query<{ version: string }>(
    sql`SELECT extversion AS version FROM pg_extension WHERE extname = 'vector'`,
  )[0]?.version ?? "";
