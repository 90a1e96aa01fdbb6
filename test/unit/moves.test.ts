import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LoadedPartition, planLoads } from "../../src/execute/rows/loads.ts";
import { shares } from "../../src/execute/rows/moves.ts";

/** By rows alone. */
const planMoves = (list: readonly { readonly label: string; readonly rows: number; readonly values: readonly string[] }[], ratio: number, most: number) => {
  const { moves, after } = planLoads(list.map((one): LoadedPartition => ({ ...one, bytes: null, reads: null, writes: null, inserted: 0 })), ratio, most, "uniform");
  return { moves, rows_after: after.map(({ rows }) => rows) };
};

const partitions = fc.array(fc.record({ rows: fc.integer({ min: 0, max: 5000 }), movable: fc.boolean() }), { minLength: 1, maxLength: 20 })
  .map((list) => list.map(({ rows, movable }, place) => ({ label: `p${place}`, rows, values: movable ? [String(place)] : [] })));

describe("planLoads by rows", () => {
  it("keeps every row, moves only from above the limit to below the mean, and its undo is the start", () => {
    fc.assert(fc.property(partitions, fc.double({ min: 1.01, max: 3, noNaN: true }), fc.integer({ min: 0, max: 20_000 }), (list, ratio, most) => {
      const { moves, rows_after } = planMoves(list, ratio, most);
      const total = list.reduce((sum, { rows }) => sum + rows, 0);
      expect(rows_after.reduce((sum, rows) => sum + rows, 0)).toBe(total);
      const ceiling = Math.max(1, Math.floor((total / list.length) * ratio));
      const state = new Map(list.map(({ label, rows }) => [label, rows]));
      for (const { from, to, rows } of moves) {
        expect(rows).toBeGreaterThan(0);
        state.set(from, state.get(from)! - rows);
        state.set(to, state.get(to)! + rows);
      }
      expect([...state.values()]).toEqual(rows_after);
      expect(moves.reduce((sum, { rows }) => sum + rows, 0)).toBeLessThanOrEqual(most);
      list.forEach(({ rows, values }, place) => {
        if (values.length === 0) expect(rows_after[place]).toBe(rows);
        if (rows_after[place]! < rows) expect(rows_after[place]).toBeGreaterThanOrEqual(ceiling);
        if (rows_after[place]! > rows) expect(rows_after[place]).toBeLessThanOrEqual(ceiling);
      });
      for (const { from, to, rows } of [...moves].reverse()) {
        state.set(to, state.get(to)! - rows);
        state.set(from, state.get(from)! + rows);
      }
      expect([...state.values()]).toEqual(list.map(({ rows }) => rows));
    }));
  });

  it("brings every partition under the limit when all can move", () => {
    fc.assert(fc.property(partitions, (list) => {
      const all = list.map((partition, place) => ({ ...partition, values: [String(place)] }));
      const { rows_after } = planMoves(all, 1.425, 1e9);
      const mean = rows_after.reduce((sum, rows) => sum + rows, 0) / rows_after.length;
      for (const rows of rows_after) expect(rows).toBeLessThanOrEqual(Math.max(1, Math.floor(mean * 1.425)) + 1);
    }));
  });
});

describe("shares", () => {
  it("pours what there is to a common level", () => {
    expect(shares([1, 5, 9], 6, 100)).toEqual([5, 1, 0]);
    expect(shares([0, 0], 5, 2)).toEqual([2, 2]);
    expect(shares([], 5, 2)).toEqual([]);
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 8 }), fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 80 }), (levels, amount, ceiling) => {
      const result = shares(levels, amount, ceiling);
      const room = levels.reduce((sum, level) => sum + Math.max(0, ceiling - level), 0);
      expect(result.reduce((sum, one) => sum + one, 0)).toBe(Math.min(amount, room));
    }));
  });
});
