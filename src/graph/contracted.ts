/**
 * Builds the contracted graph of a collection with balanced nominal capacities: the boundary of
 * everything that can fail by itself - a member, a group, a replica - adds up to 1, and no cut is
 * below 1. The plain minimum cut of the current capacities is then the worst surviving fraction of
 * what was designed, whatever the size of the graph:
 *
 *   - The shard is the hub. Every group hangs on it and on nothing else: each of its n members has
 *     a hub link of 1/n.
 *   - Members of a group are linked to each other with 1 - 1/n in total per member: a clique up to
 *     16 members (each link (1 - 1/n) / (n - 1)), above that a circulant, where member i is linked
 *     to i + 1, ..., i + 4 and so has 8 neighbours (each link (1 - 1/n) / 8).
 *   - A replica has one link of 1 to the shard, and so has a vector index.
 *
 * A link is as healthy as the worse of what it joins: two members, or a member and the group's way
 * to the hub.
 */
import type { ContractedGraph, EdgeType, GraphEdge, GraphNode, NodeType } from "../model/graph.ts";

/**
 * What is measured of a node, 0 to 1; null: not measured. Its links then keep their nominal
 * capacity.
 */
export type MeasuredHealth = number | null;

export interface MemberDescription {
  /** Unique in the graph. */
  readonly id: string;
  readonly label: string;
  /** What is lost when the member is cut off, e.g. rows. */
  readonly mass: number;
  readonly health: MeasuredHealth;
}

export type GroupKind = "partition" | "centroid" | "maintenance_dep";

export interface GroupDescription {
  readonly kind: GroupKind;
  /**
   * Health of the way between the whole group and the hub, e.g. an index's recall; null: not
   * measured.
   */
  readonly hubHealth: MeasuredHealth;
  readonly members: readonly MemberDescription[];
}

/** What hangs on the shard by itself: a replica, a vector index. */
export type LeafDescription = MemberDescription;

export interface CollectionDescription {
  readonly shard: { readonly id: string; readonly label: string };
  /** Several of one kind may stand beside each other: one group of centroids per index. */
  readonly groups: readonly GroupDescription[];
  readonly replicas: readonly LeafDescription[];
  readonly indexes: readonly LeafDescription[];
}

/**
 * Callers keep the centroids of a graph, over all its indexes, within this: with all else the graph
 * stays below 1,000 nodes. Indexes with more lists are contracted to ranges of lists.
 */
export const MAX_CENTROIDS_PER_GRAPH = 512;

/** Groups up to this size are cliques. */
export const LARGEST_CLIQUE = 16;
/** Neighbours of a member in larger groups. */
export const CIRCULANT_DEGREE = 8;

const INNER_LINK: Readonly<Record<GroupKind, EdgeType>> = {
  partition: "partition_link",
  centroid: "routing_link",
  maintenance_dep: "dependency",
};

const HUB_LINK: Readonly<Record<GroupKind, EdgeType>> = {
  partition: "routing_link",
  centroid: "routing_link",
  maintenance_dep: "dependency",
};

/**
 * Nodes in the order shard, groups, replicas, indexes, each as described; links of a group stand
 * together, inner ones first. Throws a RangeError when an id occurs twice or a mass is negative or
 * not finite.
 */
export function contractedGraph(description: CollectionDescription): ContractedGraph {
  const builder = new GraphBuilder();
  const { shard } = description;
  const hub = builder.addNode("shard", shard.id, shard.label, 0, true);
  for (const group of description.groups) addGroup(builder, hub, group);
  for (const leaf of description.replicas)
    addLeaf(builder, hub, "replication_target", "replication", leaf);
  for (const leaf of description.indexes)
    addLeaf(builder, hub, "vector_index", "routing_link", leaf);
  return { nodes: builder.nodes, edges: builder.edges };
}

function addLeaf(
  builder: GraphBuilder,
  hub: number,
  type: NodeType,
  link: EdgeType,
  { id, label, mass, health }: LeafDescription,
): void {
  const measured = asMeasured(health);
  const node = builder.addNode(type, id, label, mass, measured !== null);
  builder.addEdge(node, hub, link, 1, measured ?? 1);
}

function addGroup(
  builder: GraphBuilder,
  hub: number,
  { kind, hubHealth, members }: GroupDescription,
): void {
  const healths = members.map((member) => asMeasured(member.health));
  const nodes = members.map(({ id, label, mass }, i) =>
    builder.addNode(kind, id, label, mass, healths[i] !== null),
  );
  const healthOf = healths.map((measured) => measured ?? 1);
  const count = members.length;
  const inner = innerLink(count);
  for (const [i, j] of innerPairs(count)) {
    builder.addEdge(
      nodes[i]!,
      nodes[j]!,
      INNER_LINK[kind],
      inner,
      Math.min(healthOf[i]!, healthOf[j]!),
    );
  }
  const wayToHub = asMeasured(hubHealth) ?? 1;
  for (let i = 0; i < count; i++) {
    builder.addEdge(nodes[i]!, hub, HUB_LINK[kind], 1 / count, Math.min(healthOf[i]!, wayToHub));
  }
}

/** Nominal capacity of a link between two members of a group of `count`. */
function innerLink(count: number): number {
  const neighbours = count <= LARGEST_CLIQUE ? count - 1 : CIRCULANT_DEGREE;
  return (1 - 1 / count) / neighbours;
}

/** Who is linked to whom within a group of `count`. */
function innerPairs(count: number): [number, number][] {
  const pairs: [number, number][] = [];
  for (let i = 0; i < count; i++) {
    if (count <= LARGEST_CLIQUE) {
      for (let j = i + 1; j < count; j++) pairs.push([i, j]);
    } else {
      for (let step = 1; step <= CIRCULANT_DEGREE / 2; step++) pairs.push([i, (i + step) % count]);
    }
  }
  return pairs;
}

/** Between 0 and 1; null when there is no number. */
function asMeasured(health: MeasuredHealth): MeasuredHealth {
  return health === null || Number.isNaN(health) ? null : Math.min(1, Math.max(0, health));
}

class GraphBuilder {
  readonly nodes: GraphNode[] = [];
  readonly edges: GraphEdge[] = [];
  private readonly ids = new Set<string>();

  /** Returns the node's index. */
  addNode(type: NodeType, id: string, label: string, mass: number, measured: boolean): number {
    if (this.ids.has(id)) throw new RangeError(`two nodes of one graph have the id ${id}`);
    if (!(mass >= 0 && mass < Infinity))
      throw new RangeError(`node ${id} has mass ${mass}: it must be finite and not negative`);
    this.ids.add(id);
    return this.nodes.push({ id, type, label, mass, measured }) - 1;
  }

  addEdge(u: number, v: number, type: EdgeType, nominal: number, health: number): void {
    this.edges.push({ u, v, type, nominal, health });
  }
}
