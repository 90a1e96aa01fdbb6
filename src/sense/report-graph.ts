/** The graph of a report: its nodes and edges, checked. */
import * as z from "zod/mini";
import {
  type ContractedGraph,
  EDGE_TYPES,
  type EdgeType,
  type GraphEdge,
  type GraphNode,
  NODE_TYPES,
  type NodeType,
} from "../model/graph.ts";
import { HealingError } from "../base/errors.ts";
import { parseDocument } from "../base/documents.ts";
import { amount, atMost, fraction, LONGEST_NAME, name } from "./report-fields.ts";

const NODE = {
  id: name,
  type: z.enum(NODE_TYPES),
  label: z.optional(z.string().check(z.maxLength(LONGEST_NAME))),
  mass: z.optional(amount),
};

const EDGE = {
  from: name,
  to: name,
  type: z.enum(EDGE_TYPES),
  capacity: fraction,
  nominal: z.optional(fraction),
};

interface PlainNode {
  readonly id: string;
  readonly type: NodeType;
  readonly label?: string | undefined;
  readonly mass?: number | undefined;
}

interface PlainEdge {
  readonly from: string;
  readonly to: string;
  readonly type: EdgeType;
  readonly capacity: number;
  readonly nominal?: number | undefined;
}

/** What a report is read in 5 s with; see docs/errors.md. */
export const MAX_NODES = 10_000;
export const MAX_EDGES = 100_000;

const NODE_TYPE_NAMES: ReadonlySet<unknown> = new Set(NODE_TYPES);
const EDGE_TYPE_NAMES: ReadonlySet<unknown> = new Set(EDGE_TYPES);

const isName = (value: unknown): boolean =>
  typeof value === "string" && value.length > 0 && value.length <= LONGEST_NAME;

const isFraction = (value: unknown): boolean =>
  typeof value === "number" && value >= 0 && value <= 1;

/**
 * Whether an edge is as EDGE wants it, told by hand: a schema for each edge cost 228 ms at 3,000
 * edges in QuickJS. What is not plain goes to the schema, which says what is wrong.
 */
function isPlainEdge(edge: unknown): edge is PlainEdge {
  if (typeof edge !== "object" || edge === null || Array.isArray(edge)) return false;
  for (const key in edge) {
    const value = (edge as Record<string, unknown>)[key];
    if (key === "from" || key === "to") {
      if (!isName(value)) return false;
    } else if (key === "capacity" || key === "nominal") {
      if (!isFraction(value)) return false;
    } else if (key !== "type" || !EDGE_TYPE_NAMES.has(value)) return false;
  }
  const { from, to, type, capacity } = edge as PlainEdge;
  return from !== undefined && to !== undefined && type !== undefined && capacity !== undefined;
}

function isPlainNode(node: unknown): node is PlainNode {
  if (typeof node !== "object" || node === null || Array.isArray(node)) return false;
  for (const key in node) {
    const value = (node as Record<string, unknown>)[key];
    if (key === "id") {
      if (!isName(value)) return false;
    } else if (key === "label") {
      if (typeof value !== "string" || value.length > LONGEST_NAME) return false;
    } else if (key === "mass") {
      if (typeof value !== "number" || !(value >= 0 && value < Infinity)) return false;
    } else if (key !== "type" || !NODE_TYPE_NAMES.has(value)) return false;
  }
  const { id, type } = node as PlainNode;
  return id !== undefined && type !== undefined;
}

/** @throws HealingError RV001 naming the offending key and value */
export function parseGraph(nodes: readonly unknown[], edges: readonly unknown[]): ContractedGraph {
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
  const places = new Map<string, number>();
  const parsed = nodes.map((node, place) => parseNode(node, place, places));
  return { nodes: parsed, edges: edges.map((edge, place) => parseEdge(edge, place, places)) };
}

/** @param places of the nodes before, by id; gets this one's */
function parseNode(node: unknown, place: number, places: Map<string, number>): GraphNode {
  const { id, type, label, mass }: PlainNode = isPlainNode(node)
    ? node
    : parseDocument(`nodes[${place}]`, NODE, node);
  if (places.has(id)) {
    throw new HealingError("invalid_argument", `node "${id}" is there twice`, {
      detail: `Second time as nodes[${place}].`,
    });
  }
  places.set(id, place);
  return { id, type, label: label ?? id, mass: mass ?? 0, measured: true };
}

/** @param places of the nodes, by id */
function parseEdge(edge: unknown, place: number, places: ReadonlyMap<string, number>): GraphEdge {
  const {
    from,
    to,
    type,
    capacity,
    nominal = 1,
  }: PlainEdge = isPlainEdge(edge) ? edge : parseDocument(`edges[${place}]`, EDGE, edge);
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
  const u = places.get(from) ?? unknownNode(from, place);
  const v = places.get(to) ?? unknownNode(to, place);
  return { u, v, type, nominal, health: nominal > 0 ? capacity / nominal : 0 };
}

function unknownNode(id: string, place: number): never {
  throw new HealingError("invalid_argument", `edge names an unknown node "${id}"`, {
    detail: `In edges[${place}].`,
    hint: "Every from and to must be the id of a node.",
  });
}
