/** One collection in detail: its readings over time and its graph with the cut. */
import type { EdgeType, NodeType, WitnessEdge } from "../../model/graph.ts";
import { describeWitness } from "../../classify/describe.ts";
import { failingJobs, unjudgedText } from "../../classify/unjudged.ts";
import { labelsOfNodes } from "../../graph/labels.ts";
import { bytes, short } from "../../base/text.ts";
import type { Metrics } from "../../model/problem.ts";
import { type Missing, optional, type Query } from "./query.ts";
import { reduceGraph, type Scene } from "./scene.ts";
import { HEALTH_AT_CRITICAL, HEALTH_AT_STRESS } from "../../graph/health.ts";

export interface CollectionDetail {
  readonly name: string;
  readonly minutes: number;
  /** Oldest first: [milliseconds since 1970, lowest lambda, worst state 0 to 2]. */
  readonly readings: readonly (readonly [number, number | null, number])[];
  readonly thresholds: {
    readonly stress: number;
    readonly critical: number;
    /** How far above its threshold a state is left, and how long that has to hold. */
    readonly margin: number;
    readonly hold_seconds: number;
  };
  readonly scene: Scene | null;
  /** The weak edges of the cut, in words. */
  readonly cut: readonly string[];
  readonly unmeasured: readonly {
    readonly what: string;
    readonly why: string;
    readonly hint: string | null;
  }[];
  readonly missing: readonly Missing[];
}

/** Points of the chart at most: more cannot be told apart. */
const POINTS = 240;

/** What ruvector_contracted_graph() answers. */
export interface GraphDocument {
  readonly nodes: readonly {
    readonly id: string;
    readonly type: NodeType;
    readonly label: string;
    readonly mass: number;
    readonly measured: boolean;
  }[];
  readonly edges: readonly {
    readonly from: string;
    readonly to: string;
    readonly type: EdgeType;
    readonly nominal: number;
    readonly health: number;
  }[];
}

export async function readCollection(
  query: Query,
  name: string,
  minutes: number,
  readGraph: (name: string) => Promise<GraphDocument>,
): Promise<CollectionDetail> {
  const missing: Missing[] = [];
  const graph = readGraph(name).catch((error: { code?: string; message?: string }) => {
    // A table that was dropped has readings still, and no graph.
    missing.push({ what: "ruvector_contracted_graph", why: error.message ?? String(error) });
    return null;
  });
  const from: From = { query, missing, name };
  const [readings, integrity, metrics, thresholds] = await Promise.all([
    readReadings(from, minutes),
    readIntegrity(from),
    readMetrics(from),
    readThresholds(from),
  ]);
  const found = await graph;
  const witness = integrity?.witness ?? [];
  return {
    name,
    minutes,
    readings,
    thresholds,
    scene: found && reduceGraph(found.nodes, found.edges, witness, notes(metrics)),
    cut: describeWitness(witness, 12, labelsOfNodes(found?.nodes ?? [])),
    unmeasured: (integrity?.unmeasured ?? []).slice(0, 12),
    missing,
  };
}

interface From {
  readonly query: Query;
  /** What cannot be read is added here. */
  readonly missing: Missing[];
  /** Of the collection. */
  readonly name: string;
}

/** As many as a chart has points: the lowest lambda and the worst state of each stretch. */
async function readReadings(
  { query, missing, name }: From,
  minutes: number,
): Promise<CollectionDetail["readings"]> {
  const bucket = Math.max(1, (minutes * 60) / POINTS);
  const rows = await optional<{ at: number; lambda: number | null; state: number }>(
    query,
    missing,
    "ruvector_integrity_history",
    `
      SELECT max(extract(epoch
        FROM sampled_at)::float8) * 1000::float8 AS at, min(lambda) AS lambda,
             max(pg_catalog.array_position(ARRAY['normal', 'stress', 'critical'], state) - 1)::int
               AS state
        FROM ruvector.ruvector_integrity_history($1,
          since := now() - pg_catalog.make_interval(mins => $2), limit_ := 100000)
       GROUP BY floor(extract(epoch FROM sampled_at)::float8 / $3::float8) ORDER BY 1`,
    [name, minutes, bucket],
  );
  return rows.map(({ at, lambda, state }) => [at, lambda, state] as const);
}

interface IntegrityRow {
  readonly witness: WitnessEdge[] | null;
  readonly unmeasured: CollectionDetail["unmeasured"] | null;
}

async function readIntegrity({ query, missing, name }: From): Promise<IntegrityRow | undefined> {
  const [row] = await optional<IntegrityRow>(
    query,
    missing,
    "ruvector_integrity_status",
    "SELECT witness_edges AS witness, unmeasured FROM ruvector.ruvector_integrity_status($1)",
    [name],
  );
  return row;
}

/** Of the last sample. */
async function readMetrics({ query, missing, name }: From): Promise<Partial<Metrics>> {
  const [row] = await optional<{ metrics: Partial<Metrics> }>(
    query,
    missing,
    "ruvector_integrity_history",
    "SELECT metrics FROM ruvector.ruvector_integrity_history($1, since := " +
      "'-infinity'::pg_catalog.timestamptz, limit_ := 1)",
    [name],
  );
  return row?.metrics ?? {};
}

async function readThresholds({
  query,
  missing,
  name,
}: From): Promise<CollectionDetail["thresholds"]> {
  const rows = await optional<{ key: string; value: number }>(
    query,
    missing,
    "ruvector_healing_config",
    "SELECT key, value FROM ruvector.ruvector_healing_config($1) WHERE key IN " +
      "('stress_threshold', 'critical_threshold', 'recovery_margin', 'recovery_hold_seconds')",
    [name],
  );
  const threshold = (key: string, fallback: number): number =>
    rows.find((one) => one.key === key)?.value ?? fallback;
  return {
    stress: threshold("stress_threshold", HEALTH_AT_STRESS),
    critical: threshold("critical_threshold", HEALTH_AT_CRITICAL),
    margin: threshold("recovery_margin", 0.05),
    hold_seconds: threshold("recovery_hold_seconds", 60),
  };
}

/** What is worth saying beside a node: how loaded, how full, how late. */
function notes(metrics: Partial<Metrics>): (id: string) => readonly string[] {
  const partitions = new Map((metrics.partitions ?? []).map((one) => [one.id, one]));
  const replicas = new Map((metrics.replicas ?? []).map((one) => [one.id, one]));
  const occupancy = metrics.centroid_occupancy ?? {};
  const jobs = failingJobs({ ...metrics, partitions: metrics.partitions ?? [] } as Metrics);
  return (id) => {
    const partition = partitions.get(id);
    if (partition) {
      const size = `${partition.rows} rows, ${bytes(partition.bytes)}`;
      const load =
        partition.load_ratio > 0
          ? [`${short(partition.load_ratio)} × the mean ${partition.hottest ?? "rows"}`]
          : [];
      const unjudged =
        partition.judged === false ? ` (not judged: ${unjudgedText(partition)})` : "";
      return [...load, `${size}${unjudged}`];
    }
    if (id === "maintenance:scheduled_jobs") return jobs === null ? [] : [jobs];
    const replica = replicas.get(id);
    if (replica)
      return [
        replica.lag_seconds === null
          ? "lag not measured"
          : `${short(replica.lag_seconds)} s behind`,
      ];
    const full = Object.prototype.hasOwnProperty.call(occupancy, id) ? occupancy[id] : undefined;
    return full === undefined ? [] : [`${short(full)} × the mean list`];
  };
}
