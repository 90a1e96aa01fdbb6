/** Many growing sets over one graph (`near-flow.ts`), of which only some are held in full. */
import type { GrowingSet, NearFlow } from "./near-flow.ts";

/**
 * Sets held in full at once: each takes 9 bytes a node, together 6 MB at 10,000 nodes. One that is
 * not held is filled again from its members, which are few where sets are many.
 */
const MOST_HELD = 64;

export class NearSets {
  private readonly near: NearFlow;
  private readonly members = new Map<number, number[]>();
  /** By id, the one asked for longest ago first. */
  private readonly held = new Map<number, GrowingSet>();
  private readonly empty: GrowingSet[] = [];

  constructor(near: NearFlow) {
    this.near = near;
  }

  /** How many nodes the set has; it has only itself, where nothing was added. */
  size(id: number): number {
    return this.members.get(id)?.length ?? 1;
  }

  /** The set of this id: the node itself, and what was added. */
  get(id: number): GrowingSet {
    let set = this.held.get(id);
    if (set) this.held.delete(id);
    else {
      set = this.empty.pop() ?? (this.held.size < MOST_HELD ? this.near.emptySet() : this.oldest());
      for (const node of this.of(id)) this.near.add(set, node);
    }
    this.held.set(id, set);
    return set;
  }

  add(id: number, node: number): void {
    this.of(id).push(node);
    const set = this.held.get(id);
    if (set) this.near.add(set, node);
  }

  /** Adds the members of one set to another; it is gone then. */
  merge(from: number, into: number): void {
    for (const node of this.of(from)) this.add(into, node);
    if (this.held.has(from)) this.empty.push(this.release(from));
    this.members.delete(from);
  }

  private of(id: number): number[] {
    let nodes = this.members.get(id);
    if (!nodes) this.members.set(id, (nodes = [id]));
    return nodes;
  }

  private oldest(): GrowingSet {
    const [id] = this.held.keys();
    return this.release(id!);
  }

  private release(id: number): GrowingSet {
    const set = this.held.get(id)!;
    for (const node of this.of(id)) this.near.remove(set, node);
    this.held.delete(id);
    return set;
  }
}
