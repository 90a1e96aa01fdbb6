/**
 * What a plan foresees: lambda as the snapshot would be, and what would still hold it there, so
 * that better is not taken for well.
 */
import type { Configuration } from "../model/configuration.ts";
import { describeWitness } from "../classify/describe.ts";
import { labelsOfNodes } from "../graph/labels.ts";
import { weakEdges } from "../graph/witness.ts";
import type { Plan } from "../model/action.ts";
import { assess } from "../sense/assess.ts";
import type { Snapshot } from "../sense/snapshot.ts";

/** Edges named: a hot partition has one to each other, and they say the same. */
const EDGES = 3;

export function foresee(
  after: Snapshot,
  settings: Configuration,
): Pick<Plan, "predicted_lambda" | "remaining"> {
  const { graph, reading } = assess(after, settings);
  const remaining = describeWitness(weakEdges(reading.witness), EDGES, labelsOfNodes(graph.nodes));
  return { predicted_lambda: reading.lambda, ...(remaining.length > 0 && { remaining }) };
}
