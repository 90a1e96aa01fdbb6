import { describe, expect, it } from "vitest";
import {
  expectedPages,
  fragmentationPct,
  type IndexColumn,
  type IndexShape,
} from "../../src/sense/fragmentation/expected.ts";

const column = (width: number | null, extra: Partial<IndexColumn> = {}): IndexColumn => ({
  width,
  align: 8,
  null_frac: 0,
  n_distinct: -1,
  ...extra,
});
const shape = (extra: Partial<IndexShape>): IndexShape => ({
  method: "btree",
  rows: 20_000,
  unique: false,
  columns: [column(8)],
  fillfactor: 90,
  deduplicate: true,
  lists: 100,
  m: 16,
  ...extra,
});

// Pages of fresh builds on PostgreSQL 18.6 and pgvector 0.8.7, at 20,000 and at 8,000 rows.
const MEASURED: readonly [string, Partial<IndexShape>, number, number][] = [
  ["bigint primary key", { unique: true, columns: [column(8)] }, 57, 24],
  ["text of 32 characters", { columns: [column(33, { align: 1 })] }, 147, 60],
  ["uuid", { columns: [column(16, { align: 1 })] }, 79, 33],
  [
    "text, uuid, bigint",
    { columns: [column(33, { align: 1 }), column(16, { align: 1 }), column(8)] },
    213,
    86,
  ],
  [
    "ivfflat, 32 dimensions, 20 lists",
    { method: "ivfflat", lists: 20, columns: [column(136)] },
    374,
    159,
  ],
  ["hnsw, 32 dimensions, m 16", { method: "hnsw", columns: [column(136)] }, 1062, 426],
];

describe("expected size of an index", () => {
  it.each(MEASURED)(
    "%s: within 4 %% (or a page) of what a build takes",
    (_, extra, large, small) => {
      expect(Math.abs(expectedPages(shape(extra))! - large)).toBeLessThanOrEqual(
        Math.max(1, large * 0.04),
      );
      expect(
        Math.abs(expectedPages(shape({ ...extra, rows: 8_000 }))! - small),
      ).toBeLessThanOrEqual(Math.max(1, small * 0.04));
    },
  );

  it("knows that equal keys share their key", () => {
    const few = expectedPages(shape({ columns: [column(33, { align: 1, n_distinct: 10 })] }))!;
    expect(few).toBeLessThan(25);
    expect(
      expectedPages(
        shape({ deduplicate: false, columns: [column(33, { align: 1, n_distinct: 10 })] }),
      ),
    ).toBeGreaterThan(140);
  });

  it("holds for vectors that fill a page", () => {
    // A fresh build of 300 rows of vector(2000) takes 601 pages: the neighbours of each have their
    // own.
    expect(expectedPages(shape({ method: "hnsw", rows: 300, columns: [column(8008)] }))).toBe(601);
    expect(
      expectedPages(shape({ method: "ivfflat", rows: 1000, lists: 10, columns: [column(8008)] })),
    ).toBeGreaterThanOrEqual(1000);
  });

  it("is not known where a width is not", () => {
    expect(expectedPages(shape({ columns: [column(null)] }))).toBeNull();
  });

  it("makes a share of what is there", () => {
    expect(fragmentationPct(200, 50)).toBe(75);
    expect(fragmentationPct(100, 120)).toBe(0);
    expect(fragmentationPct(0, 0)).toBe(0);
  });
});
