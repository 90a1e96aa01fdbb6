/** Whether an index is the one that an action built, by what it is: its oid may be another one. */
import { builtOptions } from "../../store/built-indexes.ts";
import sql, { type Sql } from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import type { Action, UndoResult } from "../../model/action.ts";
import { recordActionEvent } from "../../store/actions.ts";
import type { ReplacedIndex } from "./indexes.ts";
import { NOTHING_LEFT } from "./shared.ts";

/** All that says which rows an index finds and how it is built, but its options. */
const shapeOf = (index: Sql): Sql => sql`
  SELECT i.indisvalid AND i.indisready AS valid,
         jsonb_build_array(i.indrelid, c.relam, c.relkind, i.indkey::text, i.indclass::text,
           i.indcollation::text, i.indoption::text, i.indisunique,
           pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid)) AS shape,
         coalesce((SELECT jsonb_object_agg(option_name, option_value)
           FROM pg_options_to_table(c.reloptions)), '{}') AS options
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
   WHERE i.indexrelid = to_regclass(${index})`;

/** An index that may be the new one of an action, and what that action has journaled of it. */
export interface MaybeOurs {
  /** `schema.name`, quoted. */
  readonly index: string;
  /** The old one, which says what the new one was built like. */
  readonly kept: string;
  /** What the new one was called while it was built. */
  readonly built: string;
}

/**
 * REINDEX CONCURRENTLY makes a new relation with the name and the definition of the old one, and
 * drops that: an index in the place of ours that is valid, on the same table, and as ours was
 * built, is ours.
 */
export const builtAlike = (
  host: Host,
  action: Action,
  { index, kept, built }: MaybeOurs,
): boolean =>
  host.one<{ alike: boolean }>(sql`
    SELECT coalesce((
      SELECT n.valid AND n.shape = o.shape AND n.options = o.options || w.options
        FROM (${shapeOf(sql`${index}`)}) n CROSS JOIN (${shapeOf(sql`${kept}`)}) o
       CROSS JOIN (SELECT coalesce(jsonb_object_agg(key, value), '{}') AS options
         FROM jsonb_each_text(${JSON.stringify(builtOptions(host, action, built))}::jsonb)) w
      ), false) AS alike`).alike;

/** Says whose place is taken, and what to type about the index that is kept beside it. */
export function bothStay(
  host: Host,
  action: Action,
  { index, kept }: ReplacedIndex,
): UndoResult<never> {
  const why =
    `${index} is not the index any more that was put in its place. When nobody needs it: ` +
    `DROP INDEX CONCURRENTLY ${kept};`;
  recordActionEvent(host, action, "index_stays", `${kept} stays: ${why}`, { index: kept });
  return { ...NOTHING_LEFT, conflicts: 1 };
}
