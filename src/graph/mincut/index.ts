/**
 * Minimum cuts and connectivities of small undirected graphs, exact and deterministic, for any
 * JavaScript engine.
 */
export { minimumCut, type MinimumCutOptions } from "./minimum-cut.ts";
export { components, sideOfLabel, smallestComponent, type Components } from "./components.ts";
export { worstFraction } from "./worst-fraction.ts";
export { type Effort, TooMuchEffort } from "./near-flow.ts";
export type { Cut, EdgeList } from "./types.ts";
