/**
 * `ruvector_integrity_report`: what an outside monitor pushes, checked, kept, and turned into a
 * reading.
 */
import type { PushedMetrics } from "../model/measured.ts";
import * as z from "zod/mini";
import type { Host } from "../host/host.ts";
import {
  type ContractedGraph,
  EDGE_TYPES,
  type GraphEdge,
  type GraphNode,
  NODE_TYPES,
  type Reading,
  type WitnessEdge,
} from "../model/graph.ts";
import { HealingError } from "../base/errors.ts";
import { parseDocument } from "../base/documents.ts";
import { readPushed } from "../graph/reading.ts";
import { reportWithin } from "../store/reports.ts";

const fraction = z.number().check(z.gte(0), z.lte(1));

const percent = z.number().check(z.gte(0), z.lte(100));

const amount = z.number().check(z.gte(0));

const name = z.string().check(z.minLength(1), z.maxLength(200));

export const METRICS = {
  memory_usage_pct: z.optional(percent),
  largest_consumers: z.optional(z.array(z.strictObject({ name, bytes: amount }))),
  index_fragmentation_pct: z.optional(percent),
  fragmented_indexes: z.optional(z.array(name)),
  maintenance_queue_depth: z.optional(amount),
  replication_lag_seconds: z.optional(z.record(name, amount)),
  centroid_occupancy: z.optional(z.record(name, amount)),
};

const NODE = {
  id: name,
  type: z.enum(NODE_TYPES),
  label: z.optional(z.string().check(z.maxLength(200))),
  mass: z.optional(amount),
};

const EDGE = {
  from: name,
  to: name,
  type: z.enum(EDGE_TYPES),
  capacity: fraction,
  nominal: z.optional(fraction),
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

/** A report as it is kept: only what was checked. */
export interface Report {
  readonly metrics: PushedMetrics;
  /** null: the report pushes metrics only, and the graph is the measured one. */
  readonly graph: ContractedGraph | null;
  readonly reading: Reading | null;
}

/**
 * Each sample reads the graph again while the report stands, and a tick must bear that. Measured in
 * QuickJS on a busy machine, over a sample without one: 100 nodes and 300 edges 0.1 s, 200 and
 * 1,000 0.3 s, 200 and 2,000 1 s, 500 and 1,500 2.2 s, 1,000 and 3,000 19 s. V8 is some 20 times
 * faster.
 */
const MAX_NODES = 200;

const MAX_EDGES = 1000;

/** Metrics and witness edges are kept with each sample, 17,000 a day at 5 s. */
const MAX_METRICS_BYTES = 16_384;

const MAX_WITNESS = 200;

function atMost(most: number, got: number, what: string, hint: string): void {
  if (got > most)
    throw new HealingError("invalid_argument", `a report holds at most ${most} ${what}`, {
      detail: `Got ${got}.`,
      hint,
    });
}

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
    return { metrics, graph, reading: readPushed(graph) };
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

function parseGraph(nodes: readonly unknown[], edges: readonly unknown[]): ContractedGraph {
  atMost(
    MAX_NODES,
    nodes.length,
    "nodes of a graph",
    `Contract it to ${MAX_NODES} nodes: partitions and centroids of one group may be one.`,
  );
  atMost(
    MAX_EDGES,
    edges.length,
    "edges of a graph",
    `Contract it to ${MAX_EDGES} edges: those between two groups of nodes may be one.`,
  );
  const parsed = parseNodes(nodes);
  const places = new Map(parsed.map(({ id }, place) => [id, place]));
  return { nodes: parsed, edges: edges.map((edge, place) => parseEdge(edge, place, places)) };
}

function parseNodes(nodes: readonly unknown[]): GraphNode[] {
  const ids = new Set<string>();
  return nodes.map((node, place): GraphNode => {
    const { id, type, label, mass } = parseDocument(`nodes[${place}]`, NODE, node);
    if (ids.has(id)) {
      throw new HealingError("invalid_argument", `node "${id}" is there twice`, {
        detail: `Second time as nodes[${place}].`,
      });
    }
    ids.add(id);
    return { id, type, label: label ?? id, mass: mass ?? 0, measured: true };
  });
}

/** @param places of the nodes, by id */
function parseEdge(edge: unknown, place: number, places: ReadonlyMap<string, number>): GraphEdge {
  const { from, to, type, capacity, nominal = 1 } = parseDocument(`edges[${place}]`, EDGE, edge);
  if (capacity > nominal) {
    throw new HealingError(
      "invalid_argument",
      "capacity of an edge is above its nominal capacity",
      {
        detail: `In edges[${place}]: capacity ${capacity}, nominal ${nominal}.`,
        hint: "capacity is what is there now of nominal.",
      },
    );
  }
  const end = (id: string): number => {
    const found = places.get(id);
    if (found !== undefined) return found;
    throw new HealingError("invalid_argument", `edge names an unknown node "${id}"`, {
      detail: `In edges[${place}].`,
      hint: "Every from and to must be the id of a node.",
    });
  };
  return {
    u: end(from),
    v: end(to),
    type,
    nominal,
    health: nominal > 0 ? capacity / nominal : 0,
  };
}

/** The last report while it is fresh, else null. */
export function freshReport(host: Host, collectionId: number, ttlSeconds: number): Report | null {
  const row = reportWithin(host, collectionId, ttlSeconds);
  return row ? parseReport(row.report) : null;
}
