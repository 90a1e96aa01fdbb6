/**
 * The best cut met so far, kept over the nodes of the original graph while the working graph
 * shrinks.
 */
export class BestCut {
  /** In whole units; Infinity before the first cut. */
  value = Infinity;
  readonly side: Uint8Array;
  /** By original node: the node of the shrunken graph that it has become part of. */
  readonly nodeOf: Int32Array;

  constructor(nodeCount: number) {
    this.side = new Uint8Array(nodeCount);
    this.nodeOf = new Int32Array(nodeCount);
    for (let i = 0; i < nodeCount; i++) this.nodeOf[i] = i;
  }

  /** Offers the cut around one node of the shrunken graph. */
  offerNode(node: number, value: number): void {
    if (value >= this.value) return;
    this.value = value;
    const { side, nodeOf } = this;
    for (let i = 0; i < side.length; i++) side[i] = nodeOf[i] === node ? 1 : 0;
  }

  /** Offers the cut around several nodes of the shrunken graph: those where `inside` is 1. */
  offerNodes(inside: Uint8Array, value: number): void {
    if (value >= this.value) return;
    this.value = value;
    const { side, nodeOf } = this;
    for (let i = 0; i < side.length; i++) side[i] = inside[nodeOf[i]!]!;
  }

  /** Offers the cut around the node of least degree (the first of several). */
  offerLightest(degree: Float64Array, nodeCount: number): void {
    let lightest = 0;
    for (let i = 1; i < nodeCount; i++) if (degree[i]! < degree[lightest]!) lightest = i;
    this.offerNode(lightest, degree[lightest]!);
  }

  /** The shrunken graph was relabelled: node i became `label[i]`. */
  relabel(label: Int32Array): void {
    const { nodeOf } = this;
    for (let i = 0; i < nodeOf.length; i++) nodeOf[i] = label[nodeOf[i]!]!;
  }
}
