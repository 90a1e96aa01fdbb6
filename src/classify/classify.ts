import type { WitnessEdge } from "../model/graph.ts";
import type { Metrics, Problem, ProblemClass } from "../model/problem.ts";
import { DETAILS } from "./details.ts";
import { labelsOf } from "../graph/labels.ts";
import { RULES } from "./rules.ts";
import type { Topology } from "../graph/topology.ts";
import { tally, weakEdges } from "../graph/witness.ts";

/**
 * Names the problem that the minimum cut and the metrics show: the class of the first rule that is
 * met, `unknown` when none is. Every rule is evaluated and kept as evidence, also those after the
 * first one met.
 *
 * @param witness edges that cross the minimum cut; only the weak ones count, since a healthy graph
 *   has a cut too
 * @param metrics figures beside the graph; null ones meet no rule
 * @param topology counts of the whole graph: lets graphs that are too small for a count rule use
 *   shares, and gives nodes their labels (`topologyOf`). Without it the number of partitions
 *   comes from the metrics and small centroid and maintenance groups have only the count rule.
 */
export function classify(
  witness: readonly WitnessEdge[],
  metrics: Metrics,
  topology?: Topology,
): Problem {
  const weak = weakEdges(witness);
  const rules = RULES.map((rule) => rule({ weak, metrics, topology }));
  const problem: ProblemClass = rules.find((rule) => rule.met)?.class ?? "unknown";
  const { details, summary } = DETAILS[problem]({
    witness,
    weak,
    metrics,
    label: labelsOf(metrics, topology),
  });
  return {
    details,
    summary,
    evidence: { rules, ...tally(weak), weak_edges: weak.length, witness_edges: witness.length },
  };
}
