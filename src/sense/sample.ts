/** One sample: measure (or take the pushed reading), judge the state, keep both. */
import { keepSample, readState } from "../store/samples.ts";
import type { MeasurementKind } from "../model/measured.ts";
import { recordEvent } from "../store/events.ts";
import { summarizeWitness } from "../classify/describe.ts";
import { labelsOf } from "../graph/labels.ts";
import { type Topology, topologyOf } from "../graph/topology.ts";
import { weakEdges } from "../graph/witness.ts";
import type { Host } from "../host/host.ts";
import type { Collection } from "../model/collection.ts";
import type { Reading } from "../model/graph.ts";
import { type IntegrityState, type Metrics } from "../model/problem.ts";
import { assess } from "./assess.ts";
import { takeSnapshot } from "./collect/take-snapshot.ts";
import { withoutKeeping } from "../store/measurements.ts";
import { freshGraph, freshReport } from "./standing-report.ts";
import type { Snapshot } from "./snapshot.ts";
import { nextState, type StateTransition } from "./states.ts";

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
    metrics: { ...assessment.metrics, rows_source: snapshot.rows_source },
    unmeasured: snapshot.unmeasured,
    record,
    degraded_at,
    nodes: report?.graph?.nodes ?? assessment.graph.nodes.length,
    edges: report?.graph?.edges ?? assessment.graph.edges.length,
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
    topology: report?.graph?.topology ?? topologyOf(assessment.graph),
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
  const snapshot = withoutKeeping(host, () =>
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
    topology: report?.graph?.topology ?? topologyOf(assessment.graph),
    state: previous?.state ?? "normal",
    transition: null,
    degraded_at: degraded,
  };
}

/** The graph a sample would read now, without keeping anything. */
export function currentGraph(host: Host, collection: Collection) {
  const { report_ttl_seconds } = collection.settings;
  const pushed = freshGraph(host, collection.id, report_ttl_seconds);
  if (pushed) return pushed;
  const report = freshReport(host, collection.id, report_ttl_seconds);
  const snapshot = withoutKeeping(host, () =>
    takeSnapshot(host, collection, report?.metrics ?? {}, new Set()),
  );
  return assess(snapshot, collection.settings).graph;
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
