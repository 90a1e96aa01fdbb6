/**
 * Minimum cuts and connectivities of small undirected graphs, exact and deterministic, for any
 * JavaScript engine.
 */
export { minimumCut, type MinimumCutOptions } from "./minimum-cut.ts";
export { components, sideOfLabel, smallestComponent, type Components } from "./components.ts";
export { weakestNode } from "./weakest-node.ts";
export { flowTree, type FlowTree } from "./flow-tree.ts";
export {
  severedConnectivity,
  worstSurvivingFraction,
  type WorstFraction,
} from "./surviving-fraction.ts";
export type { Cut, EdgeList } from "./types.ts";
