/** The edges that cross the minimum cut: which are weak, and what they touch. */
import {
  EDGE_TYPES,
  NODE_TYPES,
  type EdgeType,
  type NodeType,
  type WitnessEdge,
} from "../model/graph.ts";
import { compareText } from "../base/text.ts";
import { isWeak } from "./health.ts";

/**
 * The witness edges that say something. A healthy graph has a minimum cut as well, and its edges
 * accuse nobody: only those whose health is below 1 count.
 */
export const weakEdges = (witness: readonly WitnessEdge[]): readonly WitnessEdge[] =>
  witness.filter((edge) => isWeak(edge.health));

/**
 * Edges by type and the distinct nodes they touch by type; types that do not occur are left out.
 */
export function tally(edges: readonly WitnessEdge[]): {
  readonly edge_types: Readonly<Partial<Record<EdgeType, number>>>;
  readonly node_types: Readonly<Partial<Record<NodeType, number>>>;
} {
  const edge_types: Partial<Record<EdgeType, number>> = {};
  for (const type of EDGE_TYPES) {
    const n = edges.filter((edge) => edge.type === type).length;
    if (n > 0) edge_types[type] = n;
  }
  const node_types: Partial<Record<NodeType, number>> = {};
  for (const type of NODE_TYPES) {
    const n = touched(edges, type).size;
    if (n > 0) node_types[type] = n;
  }
  return { edge_types, node_types };
}

/** Ids of the nodes of one type at the ends of these edges. */
export function touched(edges: readonly WitnessEdge[], type: NodeType): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const edge of edges) {
    if (edge.from_type === type) ids.add(edge.from);
    if (edge.to_type === type) ids.add(edge.to);
  }
  return ids;
}

/** Node id -> how many of these edges end there, for nodes of one type. */
export function degrees(
  edges: readonly WitnessEdge[],
  type: NodeType,
): ReadonlyMap<string, number> {
  const degree = new Map<string, number>();
  const add = (id: string): void => void degree.set(id, (degree.get(id) ?? 0) + 1);
  for (const edge of edges) {
    if (edge.from_type === type) add(edge.from);
    if (edge.to_type === type && !(edge.from_type === type && edge.from === edge.to)) add(edge.to);
  }
  return degree;
}

/** Lowest health among the edges that end at one of the nodes; 1 when there are none. */
export function worstHealth(edges: readonly WitnessEdge[], ids: readonly string[]): number {
  const wanted = new Set(ids);
  let worst = 1;
  for (const edge of edges)
    if (wanted.has(edge.from) || wanted.has(edge.to)) worst = Math.min(worst, edge.health);
  return worst;
}

/**
 * The sick ends of weak edges: which nodes explain them.
 *
 * A sick node takes all its links down, so its healthy neighbours stand at a weak edge as well: in
 * a clique, every member. The sick ends are therefore the fewest nodes of the type that together
 * touch every edge given (greedy vertex cover: the node with the most unexplained edges first). One
 * sick member of a group of n explains all n - 1 links alone; a group whose every link to the hub
 * is weak is named whole, because nothing else explains it.
 *
 * @param load breaks ties, the higher one first (two partitions share one link: the fuller one is
 *   the hot one); then by id
 * @returns their ids, in no particular order
 */
export function sickEnds(
  edges: readonly WitnessEdge[],
  type: NodeType,
  load: (id: string) => number | null = () => null,
): readonly string[] {
  // An edge with one end of the type (a link to the hub) can only be explained by that end.
  const found = new Set<string>();
  for (const edge of edges) {
    if ((edge.from_type === type) !== (edge.to_type === type))
      found.add(edge.from_type === type ? edge.from : edge.to);
  }
  let open = edges.filter(
    (edge) =>
      edge.from_type === type &&
      edge.to_type === type &&
      !found.has(edge.from) &&
      !found.has(edge.to),
  );
  while (open.length > 0) {
    let best = "";
    let most = 0;
    for (const [id, n] of degrees(open, type)) {
      if (n > most || (n === most && before(id, best, load))) {
        best = id;
        most = n;
      }
    }
    const taken = best;
    found.add(taken);
    open = open.filter((edge) => edge.from !== taken && edge.to !== taken);
  }
  return [...found];
}

function before(a: string, b: string, load: (id: string) => number | null): boolean {
  const loadA = load(a) ?? Number.NEGATIVE_INFINITY;
  const loadB = load(b) ?? Number.NEGATIVE_INFINITY;
  return loadA !== loadB ? loadA > loadB : compareText(a, b) < 0;
}
