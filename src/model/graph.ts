/**
 * The contracted graph: the small operational graph of one collection (10 to 1,000 nodes).
 * Never vectors, never the neighbours inside a vector index.
 */

export const NODE_TYPES = [
  "partition",
  "centroid",
  "shard",
  "maintenance_dep",
  "replication_target",
  "vector_index",
] as const;
export type NodeType = (typeof NODE_TYPES)[number];

export const EDGE_TYPES = ["partition_link", "routing_link", "dependency", "replication"] as const;
export type EdgeType = (typeof EDGE_TYPES)[number];

export interface GraphNode {
  /** Unique in its graph and stable between samples, e.g. `partition:public.embeddings_p3`. */
  readonly id: string;
  readonly type: NodeType;
  /** What a person calls it, e.g. `embeddings_p3`. */
  readonly label: string;
  /**
   * What is lost when the node is cut off, beside others of its type (rows for a partition); 0 for
   * nodes that hold nothing.
   */
  readonly mass: number;
  /**
   * false when no collector could measure the node: its links keep their nominal capacity, but it
   * is not counted as healthy.
   */
  readonly measured: boolean;
}

export interface GraphEdge {
  /** Indexes into `ContractedGraph.nodes`. */
  readonly u: number;
  readonly v: number;
  readonly type: EdgeType;
  /** Designed capacity, 0 to 1 after scaling. */
  readonly nominal: number;
  /** Measured share of the nominal capacity that is there now, 0 to 1. */
  readonly health: number;
}

export interface ContractedGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** An edge that crosses the minimum cut: it names the problem. */
export interface WitnessEdge {
  readonly type: EdgeType;
  readonly from: string;
  readonly from_type: NodeType;
  readonly to: string;
  readonly to_type: NodeType;
  readonly nominal: number;
  readonly capacity: number;
  readonly health: number;
}

/** What one reading of the graph says. All values but `raw` are fractions, 0 to 1. */
export interface Reading {
  /**
   * Worst surviving fraction of the designed connectivity; null when the graph has fewer than two
   * nodes.
   */
  readonly lambda: number | null;
  /** Value of the plain global minimum cut of the current capacities. */
  readonly raw: number | null;
  readonly witness: readonly WitnessEdge[];
  /** Ids of the nodes on the smaller side of the cut. */
  readonly side: readonly string[];
  /**
   * What the cut takes away from the shard: the largest share of the mass of any one node type, 0
   * to 1; of the nodes where none has mass.
   */
  readonly mass: number;
  /** What is taken away is one node without mass. */
  readonly trivial: boolean;
}
