/** How the data sets of bench/ are made, on matrices that can be checked by hand. */
import { expect, it } from "vitest";
import { eigen, multiply } from "../../bench/data/dense.ts";
import { idx } from "../../bench/data/digits.ts";
import { kthDistance, within } from "../../bench/data/exact.ts";
import { tuple } from "../../bench/data/load.ts";
import { type DataSet, leading } from "../../bench/data/sets.ts";
import { project, truncatedSvd } from "../../bench/data/svd.ts";
import { type Sparse, tfidf } from "../../bench/data/tfidf.ts";
import { synset } from "../../bench/data/wordnet.ts";
import { random } from "../chaos/random.ts";

it("a synset is its words and its gloss, of a topic", () => {
  const line =
    "02086723 05 n 02 hound 0 hound_dog 0 002 @ 02085443 n 0000 ~ 02086852 n 0000 | any of " +
    "several breeds of dog";
  expect(synset(line)).toEqual({ topic: 5, text: "hound hound dog any of several breeds of dog" });
  expect(synset("  1 This software and database is being provided to you")).toBeUndefined();
});

it("words are weighed by how few texts have them, and rows have length 1", () => {
  const texts = Array.from({ length: 60 }, (_, i) => `${i % 12 === 0 ? "hound" : ""} x${i} the`);
  texts.push("hound hound cat", "cat", "cat");
  const { rows, columns, start, value } = tfidf(texts);
  // "the" is in most texts, x0 to x59 are no words of letters alone.
  expect({ rows, columns }).toEqual({ rows: 63, columns: 2 });
  const row = value.slice(start[60], start[61]);
  const [hound, cat] = [(1 + Math.log(2)) * Math.log(63 / 6), Math.log(63 / 3)];
  expect(row[0]! / row[1]!).toBeCloseTo(hound / cat, 12);
  expect(row[0]! ** 2 + row[1]! ** 2).toBeCloseTo(1, 12);
});

const sparse = (rows: readonly (readonly number[])[]): Sparse => {
  const entries = rows.map((row) =>
    row.flatMap((value, column) => (value ? [{ column, value }] : [])),
  );
  return {
    rows: rows.length,
    columns: rows[0]!.length,
    start: Int32Array.from([0, ...entries.map((_, i) => entries.slice(0, i + 1).flat().length)]),
    column: Int32Array.from(entries.flat(), ({ column }) => column),
    value: Float64Array.from(entries.flat(), ({ value }) => value),
  };
};

it("the truncated decomposition has the largest singular values, the same ones each time", () => {
  const { share } = random(7, "matrix");
  const a = Array.from({ length: 80 }, (_, i) =>
    Array.from({ length: 40 }, (_, j) => (share() < 0.3 ? share() * (i % 5 === j % 5 ? 9 : 1) : 0)),
  );
  const gram = Float64Array.from({ length: 1600 }, (_, at) =>
    a.reduce((sum, row) => sum + row[Math.floor(at / 40)]! * row[at % 40]!, 0),
  );
  const whole = eigen(gram, 40);
  const found = truncatedSvd(sparse(a), 5, 1);
  expect(found.dimensions).toBe(5);
  // To three digits, as svd.ts says.
  for (let i = 0; i < 5; i++)
    expect(Math.abs(found.singular[i]! / Math.sqrt(whole.values[i]!) - 1)).toBeLessThan(1e-3);
  expect(truncatedSvd(sparse(a), 5, 1).right).toEqual(found.right);
  // G v = lambda v.
  const image = multiply(gram, whole.vectors, 40, 40);
  for (let at = 0; at < 1600; at++)
    expect(image[at]!).toBeCloseTo(whole.values[at % 40]! * whole.vectors[at]!, 6);
});

it("rows that have nothing of the leading directions are left out", () => {
  const a = Array.from({ length: 30 }, (_, i) => Array.from({ length: 20 }, (_, j) => +(i === j)));
  const { vectors, kept } = project(sparse(a), truncatedSvd(sparse(a), 20, 1));
  expect([...kept]).toEqual(Array.from({ length: 20 }, (_, i) => i));
  expect(vectors.length).toBe(400);
  const short = leading(vectors, 20, 4);
  expect(Math.hypot(...short.slice(0, 4))).toBeCloseTo(1, 5);
});

const line: DataSet = {
  name: "words-128",
  dimensions: 4,
  rows: 6,
  operators: "vector_cosine_ops",
  operator: "<=>",
  vectors: Float32Array.from([0, 1, 2, 4, 8, 9].flatMap((x) => [x, 0, 0, 0])),
  topics: new Int32Array(6),
};

it("exact search leaves the row itself out, and knows when there are fewer rows", () => {
  expect(kthDistance(line, [0, 1, 2, 3, 4, 5], 2, 2)).toBe(4);
  expect(kthDistance(line, [0, 1, 2, 3, 4, 5], 5, 3)).toBe(49);
  expect(kthDistance(line, [0, 2], 2, 5)).toBe(4);
  expect(within(4)).toBeGreaterThan(4);
});

it("IDX files are read as sized, and a row of COPY is what pgvector's recv reads", () => {
  const file = Buffer.from([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]);
  expect(idx(file)).toEqual({ sizes: [2, 3], bytes: Buffer.from([1, 2, 3, 4, 5, 6]) });
  expect(() => idx(file.subarray(0, 15))).toThrow("3 bytes, not 6");
  const bytes = tuple(258, 5, Float32Array.from([1.5]));
  expect(bytes.toString("hex")).toBe(
    "0003000000080000000000000102000000040000000500000008000100003fc00000",
  );
});
