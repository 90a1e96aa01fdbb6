/**
 * The blocks of a graph (biconnected components): what no single node holds together. Every cut
 * between two nodes is as good as the best within one of the blocks on the way between them, so
 * that connectivities are found block by block.
 *
 * R. Tarjan: Depth-first search and linear graph algorithms. SIAM J. Comput. 1 (1972).
 */
import type { EdgeList } from "./types.ts";

export interface Blocks {
  /** By block, the edges of it, in their order; blocks by their first edge. */
  readonly edges: readonly Int32Array[];
}

/** Of the edges that have capacity; loops are in no block. */
export function blocks(nodeCount: number, list: EdgeList): Blocks {
  const blockOf = new BlockSearch(nodeCount, list).run();
  const size: number[] = [];
  const number = new Map<number, number>();
  for (let e = 0; e < blockOf.length; e++) {
    if (blockOf[e]! < 0) continue;
    let block = number.get(blockOf[e]!);
    if (block === undefined) number.set(blockOf[e]!, (block = size.push(0) - 1));
    size[block]!++;
    blockOf[e] = block;
  }
  const edges = size.map((count) => new Int32Array(count));
  const filled = size.map(() => 0);
  for (let e = 0; e < blockOf.length; e++) {
    const block = blockOf[e]!;
    if (block >= 0) edges[block]![filled[block]!++] = e;
  }
  return { edges };
}

class BlockSearch {
  private readonly list: EdgeList;
  private readonly nodeCount: number;
  /** The edges at node i are edge[offset[i]] to edge[offset[i + 1] - 1]. */
  private readonly offset: Int32Array;
  private readonly edge: Int32Array;
  /** By node: when it was met, from 1, and the earliest that is reached from below it. */
  private readonly met: Int32Array;
  private readonly low: Int32Array;
  /** The edge by which a node was met; -1: a root. */
  private readonly cameBy: Int32Array;
  private readonly cursor: Int32Array;
  private readonly blockOf: Int32Array;
  /** Edges met whose block is not known yet. */
  private readonly open: number[] = [];
  private clock = 0;
  private count = 0;

  constructor(nodeCount: number, list: EdgeList) {
    const { u, v, capacity } = list;
    this.list = list;
    this.nodeCount = nodeCount;
    const offset = new Int32Array(nodeCount + 1);
    const counts = (e: number): boolean => capacity[e]! > 0 && u[e] !== v[e];
    for (let e = 0; e < u.length; e++) {
      if (!counts(e)) continue;
      offset[u[e]! + 1]!++;
      offset[v[e]! + 1]!++;
    }
    for (let i = 0; i < nodeCount; i++) offset[i + 1]! += offset[i]!;
    this.cursor = offset.slice(0, nodeCount);
    this.edge = new Int32Array(offset[nodeCount]!);
    const next = offset.slice();
    for (let e = 0; e < u.length; e++) {
      if (!counts(e)) continue;
      this.edge[next[u[e]!]!++] = e;
      this.edge[next[v[e]!]!++] = e;
    }
    this.offset = offset;
    this.met = new Int32Array(nodeCount);
    this.low = new Int32Array(nodeCount);
    this.cameBy = new Int32Array(nodeCount).fill(-1);
    this.blockOf = new Int32Array(u.length).fill(-1);
  }

  /** By edge: its block; -1: none. */
  run(): Int32Array {
    for (let root = 0; root < this.nodeCount; root++) if (this.met[root] === 0) this.walk(root);
    return this.blockOf;
  }

  /** Depth first, without recursion. */
  private walk(root: number): void {
    const { list, offset, edge, met, low, cameBy, cursor, open } = this;
    const way = [root];
    met[root] = low[root] = ++this.clock;
    while (way.length > 0) {
      const node = way[way.length - 1]!;
      if (cursor[node]! < offset[node + 1]!) {
        const e = edge[cursor[node]!++]!;
        if (e === cameBy[node]) continue;
        const other = list.u[e] === node ? list.v[e]! : list.u[e]!;
        if (met[other] === 0) {
          open.push(e);
          cameBy[other] = e;
          met[other] = low[other] = ++this.clock;
          way.push(other);
        } else if (met[other]! < met[node]!) {
          open.push(e);
          low[node] = Math.min(low[node]!, met[other]!);
        }
        continue;
      }
      way.pop();
      const above = way[way.length - 1];
      if (above === undefined) continue;
      low[above] = Math.min(low[above]!, low[node]!);
      // Nothing below reaches past `above`: it alone holds this block to the rest.
      if (low[node]! >= met[above]!) this.close(cameBy[node]!);
    }
  }

  private close(first: number): void {
    for (let e = -1; e !== first;) {
      e = this.open.pop()!;
      this.blockOf[e] = this.count;
    }
    this.count++;
  }
}
