/** What the loop leaves alone for a while (sql/limits/suspensions.sql keeps it). */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Collection } from "../model/collection.ts";

export interface Suspension {
  readonly kind: "oscillation" | "human_undo" | "rejected" | "failures";
  readonly reason: string;
  /** Seconds since 1970. */
  readonly until: number;
  /** The statement that lifts it. */
  readonly resume?: string;
}

/**
 * What is suspended on a collection for a class now, by strategy; of several the one that lasts
 * longest.
 */
export const suspensions = (
  host: Host,
  { id, name }: Pick<Collection, "id" | "name">,
  problemClass: string,
): Readonly<Record<string, Suspension>> =>
  Object.fromEntries(
    host
      .query<Suspension & { readonly strategy: string }>(sql`
    SELECT s.strategy_name AS strategy, s.kind, s.reason, extract(epoch
      FROM s.until)::float8 AS until,
           ruvector.healing_resume_statement(s.strategy_name, CASE WHEN NOT s.everywhere
             THEN ${name} END) AS resume
      FROM ruvector.healing_suspended(${id}::int) s
        WHERE coalesce(s.problem_class, ${problemClass}) = ${problemClass} ORDER BY s.until`)
      .map(({ strategy, ...suspension }) => [strategy, suspension]),
  );

export interface NewSuspension {
  readonly strategy: string;
  /** null: whatever it is for. */
  readonly problem_class: string | null;
  readonly kind: "oscillation" | "human_undo";
  readonly reason: string;
  readonly action_id: string | null;
}

export function suspend(
  host: Host,
  { id }: Pick<Collection, "id">,
  { strategy, problem_class, kind, reason, action_id }: NewSuspension,
): void {
  host.query(
    sql`SELECT ruvector.healing_suspend(${id}::int, ${strategy}, ${problem_class},
      ${kind}, ${reason}, ${action_id}::bigint)`,
  );
}
