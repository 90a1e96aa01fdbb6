import type { LoadedPartition } from "../../src/strategies/moving-rows/shift.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { harmonic, latestFor, planLoads } from "../../src/strategies/moving-rows/loads.ts";
import { shares } from "../../src/strategies/moving-rows/moves.ts";

/** By rows alone. */
const planMoves = (
  list: readonly {
    readonly label: string;
    readonly rows: number;
    readonly values: readonly string[];
  }[],
  ratio: number,
  most: number,
) => {
  const { moves, after } = planLoads(
    list.map((one): LoadedPartition => ({
      ...one,
      bytes: null,
      reads: null,
      writes: null,
      inserted: 0,
    })),
    ratio,
    most,
    "uniform",
  );
  return { moves, rows_after: after.map(({ rows }) => rows) };
};

const partitions = fc
  .array(fc.record({ rows: fc.integer({ min: 0, max: 5000 }), movable: fc.boolean() }), {
    minLength: 1,
    maxLength: 20,
  })
  .map((list) =>
    list.map(({ rows, movable }, place) => ({
      label: `p${place}`,
      rows,
      values: movable ? [String(place)] : [],
    })),
  );

describe("planLoads by rows", () => {
  it(
    "keeps every row, moves only from above the limit to below the mean, and its undo is the " +
      "start",
    () => {
      fc.assert(
        fc.property(
          partitions,
          fc.double({ min: 1.01, max: 3, noNaN: true }),
          fc.integer({ min: 0, max: 20_000 }),
          (list, ratio, most) => {
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
              if (rows_after[place]! < rows)
                expect(rows_after[place]).toBeGreaterThanOrEqual(ceiling);
              if (rows_after[place]! > rows) expect(rows_after[place]).toBeLessThanOrEqual(ceiling);
            });
            for (const { from, to, rows } of [...moves].reverse()) {
              state.set(to, state.get(to)! - rows);
              state.set(from, state.get(from)! + rows);
            }
            expect([...state.values()]).toEqual(list.map(({ rows }) => rows));
          },
        ),
      );
    },
  );

  it("brings every partition under the limit when all can move", () => {
    fc.assert(
      fc.property(partitions, (list) => {
        const all = list.map((partition, place) => ({ ...partition, values: [String(place)] }));
        const { rows_after } = planMoves(all, 1.425, 1e9);
        const mean = rows_after.reduce((sum, rows) => sum + rows, 0) / rows_after.length;
        for (const rows of rows_after)
          expect(rows).toBeLessThanOrEqual(Math.max(1, Math.floor(mean * 1.425)) + 1);
      }),
    );
  });
});

describe("shares", () => {
  it("pours what there is to a common level", () => {
    expect(shares([1, 5, 9], 6, 100)).toEqual([5, 1, 0]);
    expect(shares([0, 0], 5, 2)).toEqual([2, 2]);
    expect(shares([], 5, 2)).toEqual([]);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 8 }),
        fc.integer({ min: 0, max: 500 }),
        fc.integer({ min: 1, max: 80 }),
        (levels, amount, ceiling) => {
          const result = shares(levels, amount, ceiling);
          const room = levels.reduce((sum, level) => sum + Math.max(0, ceiling - level), 0);
          expect(result.reduce((sum, one) => sum + one, 0)).toBe(Math.min(amount, room));
        },
      ),
    );
  });
});

describe("planLoads by traffic", () => {
  const level = (loads: readonly number[], inserted = 0): LoadedPartition[] =>
    loads.map((load, place) => ({
      label: `p${place}`,
      rows: 1000,
      values: [String(place)],
      bytes: 1e6,
      reads: load,
      writes: load,
      inserted,
    }));

  it("moves a share of the rows by hash, each row once, where rows carry alike", () => {
    const { moves, after, figures } = planLoads(
      level([6.4, 0.2, 0.2, 0.2, 0.2, 0.2, 0.4, 0.2]),
      1.425,
      1e9,
      "uniform",
    );
    expect(figures).toEqual(["reads"]);
    // Each move is rounded to whole rows.
    expect(
      Math.abs(moves.reduce((sum, { rows }) => sum + rows, 0) - (1000 * (6.4 - 1.425)) / 6.4),
    ).toBeLessThanOrEqual(moves.length);
    let end = 0;
    for (const { filter, rows } of moves) {
      expect(filter.hash![0]).toBeCloseTo(end, 9);
      expect(filter.hash![1] - filter.hash![0]).toBeCloseTo(rows / 1000, 9);
      end = filter.hash![1];
    }
    expect(Math.max(...after.map(({ reads }) => reads!))).toBeLessThan(1.44);
    // What was levelled by the reads is levelled by the writes that went along.
    expect(Math.max(...after.map(({ writes }) => writes!))).toBeLessThan(1.44);
  });

  it("moves the latest few rows, split over the targets, where recency tells", () => {
    const { moves } = planLoads(
      level([6.4, 0.2, 0.2, 0.2, 0.2, 0.2, 0.4, 0.2]),
      1.425,
      1e9,
      "recency",
    );
    const rows = moves.reduce((sum, one) => sum + one.rows, 0);
    expect(rows).toBeLessThan(250);
    expect(new Set(moves.map(({ latest }) => latest)).size).toBe(1);
    expect(Math.abs(moves[0]!.latest! - rows)).toBeLessThanOrEqual(moves.length);
    expect(moves[0]!.filter.hash![0]).toBe(0);
    expect(moves[moves.length - 1]!.filter.hash![1]).toBeCloseTo(1, 5);
  });

  it("brings what was smoothed, and does not add up, under the ceiling that judges it", () => {
    for (const model of ["uniform", "recency"] as const) {
      const { after } = planLoads(
        level([5.77, 0.58, 0.58, 0.58, 0.58, 0.58, 0.58, 0.58]).map((one) => ({
          ...one,
          writes: null,
        })),
        1.425,
        1e9,
        model,
      );
      expect(Math.max(...after.map(({ reads }) => reads!))).toBeLessThan(1.44);
    }
  });

  it("moves nothing for inserts, and no more than the rows allowed", () => {
    expect(
      planLoads(
        level([6.4, 0.2, 0.2, 0.2, 0.2, 0.2, 0.4, 0.2], 1).map((one) => ({ ...one, reads: null })),
        1.425,
        1e9,
        "uniform",
      ).moves,
    ).toEqual([]);
    const { moves, after } = planLoads(
      level([6.4, 0.2, 0.2, 0.2, 0.2, 0.2, 0.4, 0.2]),
      1.425,
      10,
      "uniform",
    );
    expect(moves.reduce((sum, { rows }) => sum + rows, 0)).toBe(10);
    expect(after[0]!.reads).toBeCloseTo(6.4 * 0.99, 2);
  });

  it(
    "keeps every row and all traffic whatever it is given, and no partition both gives and " +
      "takes",
    () => {
      const one = fc.record({
        rows: fc.integer({ min: 0, max: 5000 }),
        bytes: fc.integer({ min: 0, max: 1e7 }),
        reads: fc.double({ min: 0, max: 8, noNaN: true }),
        writes: fc.double({ min: 0, max: 8, noNaN: true }),
        inserted: fc.double({ min: 0, max: 1, noNaN: true }),
        movable: fc.boolean(),
      });
      fc.assert(
        fc.property(
          fc.array(one, { minLength: 1, maxLength: 12 }),
          fc.constantFrom("uniform" as const, "recency" as const),
          fc.integer({ min: 0, max: 20_000 }),
          (list, model, most) => {
            const before = list.map(({ movable, ...rest }, place): LoadedPartition => ({
              ...rest,
              label: `p${place}`,
              values: movable ? [String(place)] : [],
            }));
            const { moves, after } = planLoads(before, 1.425, most, model);
            const total = (
              of: (partition: LoadedPartition) => number,
              of_: readonly LoadedPartition[],
            ): number => of_.reduce((sum, partition) => sum + of(partition), 0);
            expect(total(({ rows }) => rows, after)).toBe(total(({ rows }) => rows, before));
            for (const figure of ["bytes", "reads", "writes"] as const)
              expect(total((partition) => partition[figure]!, after)).toBeCloseTo(
                total((partition) => partition[figure]!, before),
                2,
              );
            expect(moves.reduce((sum, { rows }) => sum + rows, 0)).toBeLessThanOrEqual(most);
            const givers = new Set(moves.map(({ from }) => from));
            for (const { from, to, rows, from_keys } of moves) {
              expect(rows).toBeGreaterThan(0);
              expect(from_keys.length).toBeGreaterThan(0);
              expect(givers.has(to), `${from} -> ${to}`).toBe(false);
            }
            for (const [place, partition] of after.entries())
              expect(partition.rows - before[place]!.rows).toBe(
                moves.reduce(
                  (sum, { from, to, rows }) =>
                    sum +
                    (to === partition.label ? rows : 0) -
                    (from === partition.label ? rows : 0),
                  0,
                ),
              );
          },
        ),
      );
    },
  );

  it("finds the latest rows that carry a share of the traffic", () => {
    expect(latestFor(1, 1000)).toBe(1000);
    expect(latestFor(0, 1000)).toBe(0);
    expect(latestFor(harmonic(75) / harmonic(10_000), 10_000)).toBe(75);
    expect(harmonic(1)).toBeCloseTo(1, 1);
    expect(harmonic(10)).toBeCloseTo(2.9289682, 4);
  });
});
