/**
 * `ruvector_integrity_report`: what an outside monitor pushes, checked and turned into a reading.
 */
import * as z from "zod/mini";
import type { PushedMetrics } from "../model/measured.ts";
import {
  type ContractedGraph,
  EDGE_TYPES,
  NODE_TYPES,
  type Reading,
  type WitnessEdge,
} from "../model/graph.ts";
import { HealingError } from "../base/errors.ts";
import { parseDocument } from "../base/documents.ts";
import { amount, atMost, fraction, name, percent } from "./report-fields.ts";
import { parseGraph } from "./report-graph.ts";

export const METRICS = {
  memory_usage_pct: z.optional(percent),
  largest_consumers: z.optional(z.array(z.strictObject({ name, bytes: amount }))),
  index_fragmentation_pct: z.optional(percent),
  fragmented_indexes: z.optional(z.array(name)),
  maintenance_queue_depth: z.optional(amount),
  replication_lag_seconds: z.optional(z.record(name, amount)),
  centroid_occupancy: z.optional(z.record(name, amount)),
};

const WITNESS = {
  type: z.enum(EDGE_TYPES),
  from: name,
  from_type: z.enum(NODE_TYPES),
  to: name,
  to_type: z.enum(NODE_TYPES),
  capacity: fraction,
  nominal: z.optional(fraction),
};

const REPORT = {
  lambda: z.optional(fraction),
  witness_edges: z.optional(z.array(z.unknown())),
  nodes: z.optional(z.array(z.unknown())),
  edges: z.optional(z.array(z.unknown())),
  metrics: z.optional(z.unknown()),
};

/** A report: only what was checked. */
export interface Report {
  readonly metrics: PushedMetrics;
  /** null: the report pushes no graph. */
  readonly graph: ContractedGraph | null;
  /** What the monitor itself found; null: it pushes a graph to be read, or metrics only. */
  readonly reading: Reading | null;
}

/** Metrics and witness edges are kept with each sample, 17,000 a day at 5 s. */
const MAX_METRICS_BYTES = 16_384;

const MAX_WITNESS = 200;

/** @throws HealingError RV001 naming the offending key and value */
export function parseReport(input: unknown): Report {
  const report = parseDocument("report", REPORT, input);
  atMost(
    MAX_METRICS_BYTES,
    JSON.stringify(report.metrics ?? {}).length,
    "characters of metrics",
    `Name the largest ones only: ${MAX_METRICS_BYTES} characters are kept with each sample.`,
  );
  atMost(
    MAX_WITNESS,
    report.witness_edges?.length ?? 0,
    "witness edges",
    `Name the ${MAX_WITNESS} weakest.`,
  );
  const metrics = parseDocument("metrics", METRICS, report.metrics ?? {}) as PushedMetrics;
  if (report.edges !== undefined || report.nodes !== undefined) {
    if (report.lambda !== undefined || report.witness_edges !== undefined) {
      throw new HealingError(
        "invalid_argument",
        "a report holds either a graph or lambda with its witness edges",
        {
          detail: `Keys given: ${Object.keys(input as object).join(", ")}.`,
          hint: "Leave out lambda and witness_edges: they are computed from nodes and edges.",
        },
      );
    }
    const graph = parseGraph(report.nodes ?? [], report.edges ?? []);
    return { metrics, graph, reading: null };
  }
  if (report.lambda === undefined) {
    if (report.witness_edges !== undefined) {
      throw new HealingError("invalid_argument", "witness_edges without lambda say nothing", {
        detail: `Keys given: ${Object.keys(input as object).join(", ")}.`,
        hint: 'Add "lambda": the value of the cut that these edges cross.',
      });
    }
    if (Object.keys(metrics).length === 0) {
      throw new HealingError("invalid_argument", "the report is empty", {
        detail: "It holds neither lambda, nor a graph, nor metrics.",
        hint:
          `For example: '{"metrics": {"memory_usage_pct": 72}}' or '{"lambda": 0.6, ` +
          `"witness_edges": []}'.`,
      });
    }
    return { metrics, graph: null, reading: null };
  }
  const witness = (report.witness_edges ?? []).map((edge, place): WitnessEdge => {
    const { nominal = 1, ...rest } = parseDocument(`witness_edges[${place}]`, WITNESS, edge);
    return { ...rest, nominal, health: nominal > 0 ? Math.min(1, rest.capacity / nominal) : 0 };
  });
  const reading: Reading = {
    lambda: report.lambda,
    raw: report.lambda,
    witness,
    side: [],
    mass: 1,
    trivial: false,
  };
  return { metrics, graph: null, reading };
}
