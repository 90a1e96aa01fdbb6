/**
 * Real vectors to measure recall on; uniform random ones have no neighbours worth finding. Made
 * from packages of node_modules; the words' once (a minute), then from a cache outside the
 * checkout.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../../src/workbench/db/places.ts";
import { digits } from "./digits.ts";
import { project, truncatedSvd } from "./svd.ts";
import { tfidf } from "./tfidf.ts";
import { synsets } from "./wordnet.ts";

export interface DataSet {
  readonly name: SetName;
  readonly dimensions: number;
  readonly rows: number;
  /** Operator class, and the operator of its distance. */
  readonly operators: string;
  readonly operator: string;
  /** Row after row. */
  readonly vectors: Float32Array;
  /** What each row is about: rows of a topic lie together. */
  readonly topics: Int32Array;
}

export const SETS = ["words-128", "words-384", "digits-784"] as const;
export type SetName = (typeof SETS)[number];

const WIDEST = 384;
const SEED = 20_111;
/** What the cache was made by: another number after a change of how. */
const MADE_BY = "wordnet-3.1.14-2";

const view = (file: string): ArrayBuffer => {
  const { buffer, byteOffset, byteLength } = readFileSync(file);
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
};

function words(): { vectors: Float32Array; topics: Int32Array } {
  const folder = join(cacheFolder(), "bench");
  const file = (part: string): string => join(folder, `${MADE_BY}.${part}`);
  if (!existsSync(file("vectors"))) {
    console.error("Embedding the glosses of WordNet (once, a minute or two)...");
    const all = synsets();
    const weighted = tfidf(all.map(({ text }) => text));
    const { vectors, kept } = project(weighted, truncatedSvd(weighted, WIDEST, SEED));
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      file("topics"),
      Int32Array.from(kept, (row) => all[row]!.topic),
    );
    // The vectors last, under their name only when whole: they are what is looked for.
    writeFileSync(file(`vectors.${process.pid}`), vectors);
    renameSync(file(`vectors.${process.pid}`), file("vectors"));
  }
  return {
    vectors: new Float32Array(view(file("vectors"))),
    topics: new Int32Array(view(file("topics"))),
  };
}

/** The leading components, the most telling ones, of each vector, at length 1 again. */
export function leading(vectors: Float32Array, of: number, wanted: number): Float32Array {
  const rows = vectors.length / of;
  const short = new Float32Array(rows * wanted);
  for (let row = 0; row < rows; row++) {
    const part = vectors.subarray(row * of, row * of + wanted);
    const length = Math.sqrt(part.reduce((sum, x) => sum + x * x, 0)) || 1;
    for (let i = 0; i < wanted; i++) short[row * wanted + i] = part[i]! / length;
  }
  return short;
}

export function dataSet(name: SetName): DataSet {
  const dimensions = Number(name.split("-")[1]);
  const { vectors, topics } = name === "digits-784" ? digits() : words();
  const cosine = name !== "digits-784";
  return {
    name,
    dimensions,
    rows: topics.length,
    operators: cosine ? "vector_cosine_ops" : "vector_l2_ops",
    operator: cosine ? "<=>" : "<->",
    vectors: cosine && dimensions < WIDEST ? leading(vectors, WIDEST, dimensions) : vectors,
    topics,
  };
}
