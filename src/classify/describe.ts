/** The witness in words. */
import type { WitnessEdge } from "../model/graph.ts";
import { compareText, count, percent, printable } from "../base/text.ts";
import { type Label, nameOf } from "../graph/labels.ts";
import { tally, weakEdges } from "../graph/witness.ts";

/** Weakest first; equal ones by type and names, so that the same witness always reads the same. */
const byHealth = (a: WitnessEdge, b: WitnessEdge): number =>
  a.health - b.health ||
  compareText(a.type, b.type) ||
  compareText(a.from, b.from) ||
  compareText(a.to, b.to);

/** "31 % of its capacity is left" */
function remains(health: number): string {
  if (health >= 1) return "all of its capacity is there";
  return health > 0 ? `${percent(health)} of its capacity is left` : "none of its capacity is left";
}

const edgeName = (edge: WitnessEdge, label: Label): string =>
  `${edge.type} ${printable(label(edge.from))} - ${printable(label(edge.to))}`;

/**
 * Witness edges in words, for a terminal: one line each, the weakest first, safe to print whatever
 * the names hold. E.g. "partition_link embeddings_p3 - embeddings_p5: 31 % of its capacity is
 * left".
 * @param max most lines returned; when there are more edges the last line says how many are left
 *   out
 */
export function describeWitness(
  witness: readonly WitnessEdge[],
  max = 8,
  label: Label = nameOf,
): readonly string[] {
  if (max < 1) return [];
  const edges = [...witness].sort(byHealth);
  const shown = edges.length <= max ? edges : edges.slice(0, max - 1);
  const lines = shown.map((edge) => `${edgeName(edge, label)}: ${remains(edge.health)}`);
  const more = edges.length - shown.length;
  if (more === 0) return lines;
  return [...lines, shown.length === 0 ? count(more, "edge") : `and ${count(more, "more edge")}`];
}

/**
 * The witness in one phrase, for the problems that no rule names. E.g. "3 weak edges in the minimum
 * cut (2 routing_link, 1 dependency), the weakest routing_link a - b: 12 % of its capacity is
 * left".
 */
export function summarizeWitness(witness: readonly WitnessEdge[], label: Label = nameOf): string {
  // A graph of one node, or none: nothing was measured, which is not the same as healthy.
  if (witness.length === 0) return "no edge in the minimum cut: there is nothing to judge";
  const weak = [...weakEdges(witness)].sort(byHealth);
  const weakest = weak[0];
  if (!weakest) return "no weak edge in the minimum cut: the graph is healthy";
  const types = Object.entries(tally(weak).edge_types).map(([type, n]) => `${n} ${type}`);
  return (
    `${count(weak.length, "weak edge")} in the minimum cut (${types.join(", ")}), ` +
    `the weakest ${edgeName(weakest, label)}: ${remains(weakest.health)}`
  );
}
