/**
 * Capacities as whole numbers held in doubles.
 *
 * Sums of fractions depend on their order, and a cut algorithm adds the same edges in many orders:
 * two cuts of equal value would differ by rounding noise, and differently in V8 and QuickJS. Whole
 * numbers below 2^53 add up exactly. The scale is a power of two, so dividing by it again is exact
 * as well. One unit is about 2^-52 of all capacities together: that is the precision with which two
 * cuts are told apart.
 */
import type { EdgeList, IntegerEdges } from "./types.ts";

/**
 * The scaled sum of all capacities stays at or below this; one bit is left for nodes, which count
 * edges twice.
 */
const LARGEST_TOTAL = 2 ** 52;
const LARGEST_SCALE = 2 ** 1000;

/** The largest power of two that keeps `total` (a sum of capacities) within 2^52 units. */
export function scaleFor(total: number): number {
  let scale = 1;
  if (!(total > 0)) return scale;
  // By doubling, not by Math.log2: engines may differ in a logarithm's last bit, never in these.
  while (total * scale > LARGEST_TOTAL) scale /= 2;
  while (scale < LARGEST_SCALE && total * scale * 2 <= LARGEST_TOTAL) scale *= 2;
  return scale;
}

/** A capacity in whole units. What is there, however little, stays there: only 0 becomes 0. */
export const toUnits = (capacity: number, scale: number): number =>
  capacity > 0 ? Math.max(1, Math.round(capacity * scale)) : 0;

/**
 * Sum of all capacities. Throws a RangeError on edges that are not edges of a graph of `nodeCount`
 * nodes.
 */
export function totalCapacity(nodeCount: number, edges: EdgeList): number {
  const { u, v, capacity } = edges;
  if (u.length !== v.length || u.length !== capacity.length) {
    throw new RangeError(
      `edge columns differ in length: ${u.length}, ${v.length}, ${capacity.length}`,
    );
  }
  let total = 0;
  for (let e = 0; e < u.length; e++) {
    const from = u[e]!;
    const to = v[e]!;
    const amount = capacity[e]!;
    if (!isNode(from, nodeCount) || !isNode(to, nodeCount)) {
      throw new RangeError(
        `edge ${e} joins ${from} and ${to}, but nodes go from 0 to ${nodeCount - 1}`,
      );
    }
    if (!(amount >= 0 && amount < Infinity)) {
      throw new RangeError(`edge ${e} has capacity ${amount}: it must be finite and not negative`);
    }
    total += amount;
  }
  if (total === Infinity)
    throw new RangeError("the capacities add up to more than a double can hold");
  return total;
}

/**
 * The edges in whole units of 1 / scale, without self-loops and without edges of capacity 0:
 * neither changes any cut.
 */
export function toIntegerEdges(edges: EdgeList, scale: number): IntegerEdges {
  const places = edges.u.length;
  const u = new Int32Array(places);
  const v = new Int32Array(places);
  const capacity = new Float64Array(places);
  let count = 0;
  for (let e = 0; e < places; e++) {
    const from = edges.u[e]!;
    const to = edges.v[e]!;
    const units = toUnits(edges.capacity[e]!, scale);
    if (from === to || units === 0) continue;
    u[count] = from;
    v[count] = to;
    capacity[count++] = units;
  }
  return { count, u, v, capacity };
}

/** What crosses a cut, summed from the original capacities in the order of the edge list. */
export function crossingCapacity(edges: EdgeList, side: Uint8Array): number {
  let sum = 0;
  for (let e = 0; e < edges.u.length; e++) {
    if (side[edges.u[e]!] !== side[edges.v[e]!]) sum += edges.capacity[e]!;
  }
  return sum;
}

const isNode = (value: number, nodeCount: number): boolean =>
  Number.isInteger(value) && value >= 0 && value < nodeCount;
