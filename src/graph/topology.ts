/** The shape of a graph: how many nodes and edges of which kind, in which groups. */
import type { ContractedGraph, EdgeType, NodeType } from "../model/graph.ts";
import { createSets, find, unite } from "./mincut/disjoint-sets.ts";

/**
 * What the classifier may know of the whole graph beside the witness: how large it is, so that it
 * can tell a fault that is too small to count from a fault in a graph too small to count in.
 */
export interface Topology {
  /** Nodes by type, in the whole graph. */
  readonly partitions: number;
  readonly centroids: number;
  readonly maintenance: number;
  /**
   * Node id -> ids of its whole group (the centroids of one index, the maintenance nodes of one
   * hub), itself included.
   */
  readonly groups?: ReadonlyMap<string, readonly string[]>;
  /** Node id -> how many edges of each type it has. */
  readonly links?: ReadonlyMap<string, Readonly<Partial<Record<EdgeType, number>>>>;
  /** Node id -> what a person calls it. */
  readonly labels?: ReadonlyMap<string, string>;
}

/** The edge type that links the members of a group to each other. */
const GROUP_LINK: Readonly<Partial<Record<NodeType, EdgeType>>> = {
  partition: "partition_link",
  centroid: "routing_link",
  maintenance_dep: "dependency",
};

/**
 * Of larger groups only so many members are named where somebody asks for some nodes only: rules
 * look into groups of five, and at the size of larger ones not at all.
 */
const NAMED_OF_A_GROUP = 16;

/**
 * Counts, groups, degrees and labels of a graph; linear in its edges.
 * @param around ids of the nodes whose groups, degrees and labels are wanted; all where left out
 */
export function topologyOf(graph: ContractedGraph, around?: ReadonlySet<string>): Topology {
  const { nodes, edges } = graph;
  const wanted = Uint8Array.from(nodes, ({ id }) => (!around || around.has(id) ? 1 : 0));
  const sets = createSets(nodes.length);
  const links = new Map<string, Partial<Record<EdgeType, number>>>();
  const countLink = (place: number, type: EdgeType): void => {
    if (wanted[place] !== 1) return;
    const { id } = nodes[place]!;
    const own = links.get(id) ?? {};
    own[type] = (own[type] ?? 0) + 1;
    links.set(id, own);
  };
  for (const { u, v, type } of edges) {
    const { type: kind } = nodes[u]!;
    countLink(u, type);
    countLink(v, type);
    if (kind === nodes[v]!.type && GROUP_LINK[kind] === type) unite(sets, u, v);
  }

  const most = around ? NAMED_OF_A_GROUP : Infinity;
  const members = new Map<number, string[]>();
  for (let i = 0; i < nodes.length; i++) if (wanted[i] === 1) members.set(find(sets, i), []);
  const counts: Partial<Record<NodeType, number>> = {};
  nodes.forEach(({ id, type }, index) => {
    counts[type] = (counts[type] ?? 0) + 1;
    const group = members.get(find(sets, index));
    if (group && group.length < most) group.push(id);
  });
  const named = nodes.filter((_, index) => wanted[index] === 1);
  const groups = new Map<string, readonly string[]>();
  nodes.forEach(({ id }, index) => {
    if (wanted[index] === 1) groups.set(id, members.get(find(sets, index)) ?? [id]);
  });
  return {
    partitions: counts.partition ?? 0,
    centroids: counts.centroid ?? 0,
    maintenance: counts.maintenance_dep ?? 0,
    groups,
    links,
    labels: new Map(named.map(({ id, label }) => [id, label])),
  };
}
