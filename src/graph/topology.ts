/** The shape of a graph: how many nodes and edges of which kind, in which groups. */
import type { ContractedGraph, EdgeType, GraphNode, NodeType } from "../model/graph.ts";
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

/** Counts, groups, degrees and labels of a graph; linear in its edges. */
export function topologyOf(graph: ContractedGraph): Topology {
  const { nodes, edges } = graph;
  const sets = createSets(nodes.length);
  const links = new Map<string, Partial<Record<EdgeType, number>>>();
  const countLink = (node: GraphNode, type: EdgeType): void => {
    const own = links.get(node.id) ?? {};
    own[type] = (own[type] ?? 0) + 1;
    links.set(node.id, own);
  };
  for (const edge of edges) {
    const u = nodes[edge.u];
    const v = nodes[edge.v];
    if (!u || !v) continue;
    countLink(u, edge.type);
    countLink(v, edge.type);
    if (u.type === v.type && GROUP_LINK[u.type] === edge.type) unite(sets, edge.u, edge.v);
  }

  const members = new Map<number, string[]>();
  nodes.forEach((node, index) => {
    const root = find(sets, index);
    const group = members.get(root);
    if (group) group.push(node.id);
    else members.set(root, [node.id]);
  });
  const groups = new Map<string, readonly string[]>();
  nodes.forEach((node, index) => groups.set(node.id, members.get(find(sets, index)) ?? [node.id]));

  const of = (type: NodeType): number => nodes.filter((node) => node.type === type).length;
  return {
    partitions: of("partition"),
    centroids: of("centroid"),
    maintenance: of("maintenance_dep"),
    groups,
    links,
    labels: new Map(nodes.map((node) => [node.id, node.label])),
  };
}
