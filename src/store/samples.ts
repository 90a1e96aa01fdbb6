/** The rows of ruvector.integrity_samples and ruvector.integrity_state. */
import sql from "sql-template-tag";
import { weakEdges } from "../graph/witness.ts";
import type { Host } from "../host/host.ts";
import type { Collection } from "../model/collection.ts";
import type { Reading } from "../model/graph.ts";
import type { Unmeasured } from "../model/measured.ts";
import { INTEGRITY_STATES } from "../model/problem.ts";
import type { StateRecord } from "../model/state.ts";

/** A collection's state as it was kept last; null: it was never sampled. */
export function readState(host: Host, collectionId: number) {
  return host.one<{ at: number; previous: StateRecord | null; degraded: number | null }>(sql`
    SELECT extract(epoch FROM clock_timestamp())::float8 AS at, s.hysteresis AS previous,
           extract(epoch FROM s.degraded_at)::float8 AS degraded
      FROM (SELECT) one LEFT
        JOIN ruvector.integrity_state s ON s.collection_id = ${collectionId}::int`);
}

/** Whether its last sample is so few seconds old; so many ahead where the clock was set back. */
export const sampledWithin = (host: Host, collectionId: number, seconds: number): boolean =>
  host.query(sql`
    SELECT FROM ruvector.integrity_state
     WHERE collection_id = ${collectionId}::int
       AND abs(extract(epoch
         FROM clock_timestamp() - sampled_at))
         < ${seconds}::float8`).length > 0;

/** A sample to be kept, and the state that comes of it. */
export interface NewSample {
  readonly at: number;
  readonly source: string;
  readonly reading: Reading;
  readonly metrics: object;
  readonly unmeasured: readonly Unmeasured[];
  readonly record: StateRecord;
  readonly degraded_at: number | null;
  readonly nodes: number;
  readonly edges: number;
  readonly duration_ms: number;
}

/** Keeps both. Returns the sample's id. */
export function keepSample(host: Host, collection: Collection, kept: NewSample): string {
  const { reading, record } = kept;
  const code = INTEGRITY_STATES.indexOf(record.state);
  // A healthy cut names nothing; its edges would be most of the table.
  const witness = weakEdges(reading.witness);
  const { id } = host.one<{ id: string }>(sql`
    INSERT INTO ruvector.integrity_samples (collection_id, sampled_at, source, lambda, raw_cut,
      state, mass, trivial, nodes, edges,
                                            witness_edges, metrics, unmeasured, duration_ms)
    VALUES (${collection.id}::int, to_timestamp(${kept.at}::float8), ${kept.source},
      ${reading.lambda}::float8, ${reading.raw}::float8,
            ${code}::smallint, ${reading.mass}::float8, ${reading.trivial}::boolean,
              ${kept.nodes}::int, ${kept.edges}::int,
            ${JSON.stringify(witness)}::jsonb,
              ${JSON.stringify(kept.metrics)}::jsonb,
            ${JSON.stringify(kept.unmeasured)}::jsonb, ${kept.duration_ms}::float8)
    RETURNING id::text`);
  host.execute(sql`
    INSERT INTO ruvector.integrity_state AS s (collection_id, state, since, lambda, sampled_at,
      sample_id, hysteresis, degraded_at)
    VALUES (${collection.id}::int, ${code}::smallint, to_timestamp(${record.since}::float8),
      ${reading.lambda}::float8,
            to_timestamp(${kept.at}::float8), ${id}::bigint, ${JSON.stringify(record)}::jsonb,
              to_timestamp(${kept.degraded_at}::float8))
    ON CONFLICT (collection_id) DO UPDATE
      SET state = excluded.state, since = excluded.since, lambda = excluded.lambda,
        sampled_at = excluded.sampled_at,
          sample_id = excluded.sample_id, hysteresis = excluded.hysteresis,
            degraded_at = excluded.degraded_at`);
  return id;
}
