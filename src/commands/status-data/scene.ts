/**
 * The contracted graph as a person can take it in: up to 1,000 nodes become at most a few dozen.
 * What is weak or stands in the cut is kept one by one; healthy members of a group are one node
 * each while they are few, and one node for all when not.
 */
import type { EdgeType, NodeType, WitnessEdge } from "../../model/graph.ts";
import { isWeak } from "../../graph/health.ts";

export interface SceneNode {
  readonly id: string;
  readonly type: NodeType;
  readonly label: string;
  /** How many nodes of the graph it stands for. */
  readonly count: number;
  /** What those are, where they are many: "healthy partitions". */
  readonly what: string | null;
  /** Share of its designed connectivity that it has, 0 to 1. */
  readonly health: number;
  readonly measured: boolean;
  /** On the side that the minimum cut takes off. */
  readonly cut: boolean;
  /** What matters most stands first. */
  readonly notes: readonly string[];
}

export interface SceneEdge {
  /** Indexes into nodes. */
  readonly a: number;
  readonly b: number;
  readonly type: EdgeType;
  /** The weakest of those it stands for. */
  readonly health: number;
  /** It crosses the cut. */
  readonly cut: boolean;
}

/** Nodes that belong together: the partitions, the centroids of one index, the jobs. */
export interface SceneGroup {
  readonly type: NodeType;
  readonly nodes: readonly number[];
  readonly size: number;
}

export interface Scene {
  readonly nodes: readonly SceneNode[];
  readonly edges: readonly SceneEdge[];
  readonly groups: readonly SceneGroup[];
  readonly total_nodes: number;
  readonly total_edges: number;
}

interface GraphNode {
  readonly id: string;
  readonly type: NodeType;
  readonly label: string;
  readonly measured: boolean;
}
interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly type: EdgeType;
  readonly health: number;
}

/** Healthy members of a group that are drawn one by one. */
const SINGLE = 16;
/** Weak ones of a group that are; the rest of them become one node. */
const WEAK = 8;

export function reduceGraph(
  nodes: readonly GraphNode[],
  edges: readonly GraphEdge[],
  witness: readonly WitnessEdge[],
  notesOf: (id: string) => readonly string[] = () => [],
): Scene {
  const place = new Map(nodes.map((node, index) => [node.id, index]));
  const links = edges.flatMap((edge) => {
    const a = place.get(edge.from);
    const b = place.get(edge.to);
    return a === undefined || b === undefined ? [] : [{ ...edge, a, b }];
  });
  const health = ownHealth(nodes.length, links);
  const side = cutSide(nodes, links, witness, place, health);
  const out: SceneNode[] = [];
  const where = new Int32Array(nodes.length);
  const groups: SceneGroup[] = [];
  const add = (members: readonly number[], what: string | null, id: string): number => {
    const first = nodes[members[0]!]!;
    const index = out.length;
    for (const member of members) where[member] = index;
    out.push({
      id,
      label: what === null ? first.label : `${members.length} ${what}`,
      type: first.type,
      count: members.length,
      what,
      health: Math.min(...members.map((member) => health[member]!)),
      measured: members.every((member) => nodes[member]!.measured),
      cut: members.some((member) => side.has(member)),
      notes: members.length === 1 ? notesOf(first.id) : [],
    });
    return index;
  };
  for (const members of groupsOf(nodes, links)) {
    const type = nodes[members[0]!]!.type;
    const shown: number[] = [];
    // The worst first: where only some can be shown one by one, it is those.
    const ordered = [...members].sort((x, y) => health[x]! - health[y]! || x - y);
    const weak = ordered.filter((member) => isWeak(health[member]!));
    const sound = ordered.filter((member) => !isWeak(health[member]!)).sort((x, y) => x - y);
    const single = members.length <= SINGLE ? members : weak.slice(0, WEAK);
    for (const member of single) shown.push(add([member], null, nodes[member]!.id));
    if (members.length > SINGLE) {
      const rest = weak.slice(WEAK);
      if (rest.length > 0)
        shown.push(add(rest, `more weak ${NAMES[type]}`, `weak:${groups.length}`));
      if (sound.length > 0)
        shown.push(add(sound, `healthy ${NAMES[type]}`, `sound:${groups.length}`));
    }
    groups.push({ type, nodes: shown, size: members.length });
  }
  return {
    nodes: out,
    edges: merged(links, where, side, out),
    groups,
    total_nodes: nodes.length,
    total_edges: edges.length,
  };
}

export const NAMES: Readonly<Record<NodeType, string>> = {
  partition: "partitions",
  centroid: "lists",
  shard: "servers",
  maintenance_dep: "kinds of maintenance",
  replication_target: "replicas",
  vector_index: "vector indexes",
};

type Link = GraphEdge & { readonly a: number; readonly b: number };

/**
 * A sick node takes all its links down, its neighbours only the one to it: what a node itself has
 * is the best of its links.
 */
function ownHealth(size: number, links: readonly Link[]): readonly number[] {
  const best = new Float64Array(size).fill(-1);
  for (const { a, b, health } of links) {
    best[a] = Math.max(best[a]!, health);
    best[b] = Math.max(best[b]!, health);
  }
  return Array.from(best, (value) => (value < 0 ? 1 : value));
}

/** What hangs together by links of its own kind is a group; shards are one each. */
function groupsOf(nodes: readonly GraphNode[], links: readonly Link[]): number[][] {
  const parent = nodes.map((_, index) => index);
  const root = (index: number): number => {
    let current = index;
    while (parent[current] !== current) current = parent[current] = parent[parent[current]!]!;
    return current;
  };
  for (const { a, b } of links) if (nodes[a]!.type === nodes[b]!.type) parent[root(a)] = root(b);
  // Members that are linked to the hub alone belong together by their kind: replicas, a pair of
  // jobs.
  const alone = new Map<NodeType, number>();
  const groups = new Map<number, number[]>();
  const sizes = new Map<number, number>();
  nodes.forEach((_, index) => sizes.set(root(index), (sizes.get(root(index)) ?? 0) + 1));
  nodes.forEach((node, index) => {
    let key = root(index);
    if (sizes.get(key) === 1) {
      key = alone.get(node.type) ?? key;
      alone.set(node.type, key);
    }
    const group = groups.get(key);
    if (group) group.push(index);
    else groups.set(key, [index]);
  });
  return [...groups.values()];
}

/**
 * The nodes that the weak edges of the cut separate from the (first) shard; where they separate
 * nothing, their weaker ends.
 */
function cutSide(
  nodes: readonly GraphNode[],
  links: readonly Link[],
  witness: readonly WitnessEdge[],
  place: ReadonlyMap<string, number>,
  health: readonly number[],
): ReadonlySet<number> {
  if (witness.length === 0) return new Set();
  const pair = (a: number, b: number): string => (a < b ? `${a} ${b}` : `${b} ${a}`);
  const crossing = new Set<string>();
  for (const { from, to } of witness) {
    const a = place.get(from);
    const b = place.get(to);
    if (a !== undefined && b !== undefined) crossing.add(pair(a, b));
  }
  const neighbours: number[][] = nodes.map(() => []);
  for (const { a, b } of links) {
    if (crossing.has(pair(a, b))) continue;
    neighbours[a]!.push(b);
    neighbours[b]!.push(a);
  }
  const hub = Math.max(
    0,
    nodes.findIndex(({ type }) => type === "shard"),
  );
  const reached = new Set([hub]);
  for (const todo = [hub]; todo.length > 0;) {
    for (const next of neighbours[todo.pop()!]!)
      if (!reached.has(next)) {
        reached.add(next);
        todo.push(next);
      }
  }
  const side = new Set(nodes.keys());
  for (const index of reached) side.delete(index);
  if (side.size > 0) return side;
  for (const key of crossing) {
    const [a, b] = key.split(" ").map(Number) as [number, number];
    const isServer = (node: number): boolean => nodes[node]!.type === "shard";
    const first = !isServer(a) && (isServer(b) || health[a]! <= health[b]!);
    side.add(first ? a : b);
  }
  return side;
}

function merged(
  links: readonly Link[],
  where: Int32Array,
  side: ReadonlySet<number>,
  out: readonly SceneNode[],
): SceneEdge[] {
  const edges = new Map<string, SceneEdge>();
  for (const { a, b, type, health } of links) {
    const [x, y] = [where[a]!, where[b]!];
    if (x === y) continue;
    const key = x < y ? `${x} ${y}` : `${y} ${x}`;
    const known = edges.get(key);
    const cut = side.has(a) !== side.has(b) || (known?.cut ?? false);
    edges.set(key, {
      a: Math.min(x, y),
      b: Math.max(x, y),
      type: known?.type ?? type,
      health: Math.min(health, known?.health ?? 1),
      cut,
    });
  }
  return [...edges.values()].filter(({ a, b }) => out[a] !== undefined && out[b] !== undefined);
}
