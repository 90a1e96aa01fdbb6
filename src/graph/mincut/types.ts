/**
 * The shapes that the cut algorithms share. A graph here is undirected, with nodes 0 to n - 1 and a
 * capacity on every edge; what nodes and edges mean is known one floor up, in `../graph`.
 */

/**
 * A graph as plain columns: edge e joins `u[e]` and `v[e]`. Parallel edges add up, self-loops cut
 * nothing.
 */
export interface EdgeList {
  readonly u: ArrayLike<number>;
  readonly v: ArrayLike<number>;
  /** Finite and not negative; any unit. */
  readonly capacity: ArrayLike<number>;
}

/** A cut: the two sides of a graph and what crosses between them. */
export interface Cut {
  /** Sum of the capacities that cross, in the unit of the edge list. */
  readonly value: number;
  /** By node: 1 on one side, 0 on the other; both sides have nodes. */
  readonly side: Uint8Array;
}

/**
 * The same graph with whole numbers as capacities (see `scaling.ts`): no self-loops, nothing of
 * capacity 0. The algorithms that shrink a graph do so in place, in the first `count` places.
 */
export interface IntegerEdges {
  count: number;
  readonly u: Int32Array;
  readonly v: Int32Array;
  /** Whole numbers held in doubles: their sums are exact, in any order and in any engine. */
  readonly capacity: Float64Array;
}

/**
 * A graph by node: the neighbours of node i are `neighbour[offset[i]]` to `neighbour[offset[i + 1]
 * - 1]`.
 */
export interface Adjacency {
  nodeCount: number;
  /** nodeCount + 1 places are used. */
  offset: Int32Array;
  /** Every edge stands here twice, once from each end. */
  neighbour: Int32Array;
  weight: Float64Array;
  /** No two entries of a node name the same neighbour. */
  simple: boolean;
}
