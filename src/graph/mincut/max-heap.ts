/**
 * A binary heap of nodes with the largest key on top; a key can be raised while its node is inside.
 */
export class MaxHeap {
  size = 0;
  private readonly heap: Int32Array;
  private readonly key: Float64Array;
  private readonly position: Int32Array;

  constructor(nodeCount: number) {
    this.heap = new Int32Array(nodeCount);
    this.key = new Float64Array(nodeCount);
    this.position = new Int32Array(nodeCount);
  }

  push(node: number, key: number): void {
    this.siftUp(node, key, this.size++);
  }

  /** The node must be inside, with a key of at most `key`. */
  raise(node: number, key: number): void {
    this.siftUp(node, key, this.position[node]!);
  }

  /** Takes out a node with the largest key. The heap must not be empty. */
  pop(): number {
    const { heap, key, position } = this;
    const top = heap[0]!;
    const size = --this.size;
    if (size === 0) return top;
    const moved = heap[size]!;
    const movedKey = key[moved]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && key[heap[child + 1]!]! > key[heap[child]!]!) child++;
      const node = heap[child]!;
      if (key[node]! <= movedKey) break;
      heap[at] = node;
      position[node] = at;
      at = child;
    }
    heap[at] = moved;
    position[moved] = at;
    return top;
  }

  private siftUp(node: number, nodeKey: number, from: number): void {
    const { heap, key, position } = this;
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = heap[above]!;
      if (key[other]! >= nodeKey) break;
      heap[at] = other;
      position[other] = at;
      at = above;
    }
    heap[at] = node;
    key[node] = nodeKey;
    position[node] = at;
  }
}
