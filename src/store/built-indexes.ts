/** Indexes that actions built, as ruvector.healing_steps has them. */
import sql, { type Sql } from "sql-template-tag";
import type { Host } from "../host/host.ts";
import { ACTIVE } from "./actions.ts";
import type { JobOwner } from "./jobs.ts";

/** What all of them are called, behind the schema. */
const OURS = ".ruvector_";

/**
 * Of these indexes (`schema.name`) those that no action of the collection is building or keeps for
 * its undo. They are known by the name alone, which is nobody else's: the schema may be called
 * otherwise by now. Asked where a name could be one of ours: to plan the question is 1 ms, and 6.6
 * in a new connection, which each of pg_cron's ticks is.
 */
export function withoutSetAside<One extends { readonly index: string }>(
  host: Host,
  collectionId: number,
  indexes: readonly One[],
): One[] {
  if (!indexes.some(({ index }) => index.includes(OURS))) return [...indexes];
  const ours = host.query<{ index: string }>(sql`
    SELECT format('%I.%I', n.nspname, c.relname) AS index
      FROM (${madeIndexes(collectionId)}) ours
      JOIN pg_class c ON c.relname = reverse(split_part(reverse(ours.index), '.', 1))
      JOIN pg_namespace n ON n.oid = c.relnamespace`);
  const setAside = new Set(ours.map(({ index }) => index));
  return indexes.filter(({ index }) => !setAside.has(index));
}

const madeIndexes = (collectionId: number): Sql => sql`
      SELECT s.details ->> 'built' AS index
        FROM ruvector.healing_steps s JOIN ruvector.healing_actions a ON a.id = s.action_id
       WHERE a.collection_id = ${collectionId}::int AND s.kind = 'build_index'
         AND s.undone_at IS NULL
         AND a.state IN (${ACTIVE})
      UNION ALL
      SELECT s.details ->> 'kept'
        FROM ruvector.healing_steps s JOIN ruvector.healing_actions a ON a.id = s.action_id
       WHERE a.collection_id = ${collectionId}::int AND s.kind = 'swap_index'
         AND s.undone_at IS NULL
      UNION ALL
      SELECT part ->> 'kept'
        FROM ruvector.healing_steps s JOIN ruvector.healing_actions a ON a.id = s.action_id
        CROSS JOIN LATERAL jsonb_array_elements(s.details -> 'parts') part
       WHERE a.collection_id = ${collectionId}::int AND s.kind = 'swap_whole'
         AND s.undone_at IS NULL`;

/** An index that was replaced, and the action that keeps it for its undo. */
export interface KeptIndex {
  readonly action: JobOwner;
  readonly kept: string;
  readonly name: string;
  /** It was said that it stays. */
  readonly told: boolean;
}

/** Indexes whose action succeeded more than so many seconds ago; parents before their parts. */
export const overdueIndexes = (host: Host, collectionId: number, seconds: number): KeptIndex[] =>
  host.query<KeptIndex>(sql`
    SELECT json_build_object('id', a.id::text, 'collection_id', a.collection_id) AS action,
      one ->> 'kept' AS kept, one ->> 'name' AS name,
      EXISTS (SELECT FROM ruvector.healing_events e WHERE e.action_id = a.id
        AND e.kind = 'action_index_stays' AND e.details ->> 'index' = one ->> 'kept') AS told
      FROM ruvector.healing_actions a JOIN ruvector.healing_steps s ON s.action_id = a.id
     CROSS JOIN LATERAL (SELECT s.details AS one, 0 AS place
       UNION ALL SELECT part.value, part.ordinality
         FROM jsonb_array_elements(s.details -> 'parts') WITH ORDINALITY part) old
     WHERE a.collection_id = ${collectionId}::int
       AND a.strategy_name IN ('rebuild_centroids', 'rebuild_index')
       AND a.state = 'succeeded' AND a.reversible
       AND a.finished_at + make_interval(secs => ${seconds}::float8)
         <= clock_timestamp()
       AND s.kind IN ('swap_index', 'swap_whole') AND s.undone_at IS NULL
     ORDER BY s.id, old.place`);

/** The options that an action built an index with, besides those that its model had. */
export const builtOptions = (
  host: Host,
  action: JobOwner,
  built: string,
): Readonly<Record<string, number>> =>
  host.query<{ options: Record<string, number> }>(sql`
    SELECT s.details -> 'options' AS options FROM ruvector.healing_steps s
     WHERE s.action_id = ${action.id}::bigint AND s.kind = 'build_index'
       AND s.details ->> 'built' = ${built}`)[0]?.options ?? {};

/** An index that nobody takes back any more, and what drops it. */
export interface LeftIndex {
  readonly what: string;
  readonly statement: string;
}

/** Once its collection is forgotten, or its table is not what was registered. */
export const leftIndexes = (host: Host, collectionId: number): readonly LeftIndex[] =>
  host.query<LeftIndex>(
    sql`SELECT what, statement FROM ruvector.healing_left_indexes(${collectionId}::int)`,
  );

/** Bytes a second of the last 20 rebuilds of each access method. */
export const rebuildRates = (
  host: Host,
): readonly { readonly method: string; readonly rate: number }[] =>
  host.query<{ method: string; rate: number }>(sql`
    SELECT method, sum(bytes) / greatest(sum(seconds), 0.001) AS rate FROM (
      SELECT s.details ->> 'method' AS method, (s.details ->> 'expected_bytes')::float8 AS bytes,
        extract(epoch FROM j.ended_at - j.started_at)::float8 AS seconds,
             row_number() OVER (PARTITION BY s.details ->> 'method' ORDER BY j.id DESC) AS place
        FROM ruvector.healing_steps s
          JOIN ruvector.healing_jobs j ON j.id = (s.details ->> 'job')::bigint
       WHERE s.kind = 'reindex' AND j.state = 'succeeded'
         AND j.ended_at > j.started_at) done
     WHERE place <= 20 GROUP BY method`);
