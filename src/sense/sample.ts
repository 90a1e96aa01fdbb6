/** One sample: measure (or take the pushed reading), judge the state, keep both. */
import type { MeasurementKind } from "../model/measured.ts";
import sql from "sql-template-tag";
import { recordEvent } from "../audit/events.ts";
import { summarizeWitness } from "../classify/describe.ts";
import { labelsOf } from "../graph/labels.ts";
import { type Topology, topologyOf } from "../graph/topology.ts";
import { weakEdges } from "../graph/witness.ts";
import type { Host } from "../host/host.ts";
import type { Collection } from "../model/collection.ts";
import type { Reading } from "../model/graph.ts";
import { INTEGRITY_STATES, type IntegrityState, type Metrics } from "../model/problem.ts";
import { assess } from "./assess.ts";
import { takeSnapshot } from "./collect/snapshot.ts";
import { withoutRemembering } from "./remember.ts";
import { freshReport } from "./report.ts";
import type { Snapshot } from "./snapshot.ts";
import { nextState, type StateRecord, type StateTransition } from "./states.ts";

export interface Sample {
  readonly id: string;
  readonly at: number;
  readonly source: "measured" | "reported";
  readonly snapshot: Snapshot;
  readonly reading: Reading;
  readonly metrics: Metrics;
  readonly topology: Topology;
  readonly state: IntegrityState;
  readonly transition: StateTransition | null;
  /** Since when lambda has been below the stress threshold without a break; null when it is not. */
  readonly degraded_at: number | null;
}

/**
 * Measures the collection and keeps the sample. Runs in the caller's transaction, under the
 * collection's lock.
 * @param fresh kinds of measurement that must not come from memory
 */
export function takeSample(
  host: Host,
  collection: Collection,
  fresh: readonly MeasurementKind[] = [],
): Sample {
  const began = host.now();
  const { settings } = collection;
  const report = freshReport(host, collection.id, settings.report_ttl_seconds);
  const snapshot = takeSnapshot(host, collection, report?.metrics ?? {}, new Set(fresh));
  const assessment = assess(snapshot, settings);
  const reading = report?.reading ?? assessment.reading;
  const graph = report?.graph ?? assessment.graph;
  const source = report?.reading ? "reported" : "measured";
  const { at, previous, degraded } = readState(host, collection.id);
  const { record, transition } = nextState(
    previous,
    { lambda: reading.lambda, at, mass: reading.mass },
    settings,
  );
  const degraded_at = degradedSince(reading.lambda, settings.stress_threshold, degraded, at);
  const id = keepSample(host, collection, {
    at,
    source,
    reading,
    metrics: assessment.metrics,
    snapshot,
    record,
    degraded_at,
    nodes: graph.nodes.length,
    edges: graph.edges.length,
    duration_ms: host.now() - began,
  });
  if (transition) reportTransition(host, collection, transition, reading, assessment.metrics);
  return {
    id,
    at,
    source,
    snapshot,
    reading,
    metrics: assessment.metrics,
    topology: topologyOf(graph),
    state: record.state,
    transition,
    degraded_at,
  };
}

/** What is not known ends no stress, and begins none. */
function degradedSince(
  lambda: number | null,
  threshold: number,
  before: number | null,
  now: number,
): number | null {
  if (lambda === null) return before;
  return lambda < threshold ? (before ?? now) : null;
}

/**
 * The sample that would be taken now, without keeping anything: for those who only look. Its state
 * is the one that is kept.
 */
export function previewSample(host: Host, collection: Collection): Sample {
  const { settings } = collection;
  const report = freshReport(host, collection.id, settings.report_ttl_seconds);
  const snapshot = withoutRemembering(host, () =>
    takeSnapshot(host, collection, report?.metrics ?? {}, new Set()),
  );
  const assessment = assess(snapshot, settings);
  const { at, previous, degraded } = readState(host, collection.id);
  return {
    id: "0",
    at,
    source: report?.reading ? "reported" : "measured",
    snapshot,
    reading: report?.reading ?? assessment.reading,
    metrics: assessment.metrics,
    topology: topologyOf(report?.graph ?? assessment.graph),
    state: previous?.state ?? "normal",
    transition: null,
    degraded_at: degraded,
  };
}

/** The graph a sample would read now, without keeping anything. */
export function currentGraph(host: Host, collection: Collection) {
  const report = freshReport(host, collection.id, collection.settings.report_ttl_seconds);
  if (report?.graph) return report.graph;
  const snapshot = withoutRemembering(host, () =>
    takeSnapshot(host, collection, report?.metrics ?? {}, new Set()),
  );
  return assess(snapshot, collection.settings).graph;
}

function readState(host: Host, collectionId: number) {
  return host.one<{ at: number; previous: StateRecord | null; degraded: number | null }>(sql`
    SELECT extract(epoch FROM clock_timestamp())::float8 AS at, s.hysteresis AS previous,
           extract(epoch FROM s.degraded_at)::float8 AS degraded
      FROM (SELECT) one LEFT
        JOIN ruvector.integrity_state s ON s.collection_id = ${collectionId}::int`);
}

interface Kept {
  readonly at: number;
  readonly source: string;
  readonly reading: Reading;
  readonly metrics: Metrics;
  readonly snapshot: Snapshot;
  readonly record: StateRecord;
  readonly degraded_at: number | null;
  readonly nodes: number;
  readonly edges: number;
  readonly duration_ms: number;
}

function keepSample(host: Host, collection: Collection, kept: Kept): string {
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
              ${JSON.stringify({ ...kept.metrics, rows_source: kept.snapshot.rows_source })}::jsonb,
            ${JSON.stringify(kept.snapshot.unmeasured)}::jsonb, ${kept.duration_ms}::float8)
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

function reportTransition(
  host: Host,
  collection: Collection,
  transition: StateTransition,
  reading: Reading,
  metrics: Metrics,
): void {
  recordEvent(host, {
    collection_id: collection.id,
    collection: collection.name,
    kind: `state_${transition.to}`,
    message: `${transition.from} -> ${transition.to}: ${transition.reason}.`,
    details: {
      ...transition,
      lambda: reading.lambda,
      witness: summarizeWitness(weakEdges(reading.witness), labelsOf(metrics)),
    },
  });
}
