/** Rows of a set into a table of a server, by COPY in PostgreSQL's binary form. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { random } from "../../test/chaos/random.ts";
import type { DataSet } from "./sets.ts";

const HEADER = Buffer.concat([
  Buffer.from("PGCOPY\n\u00ff\r\n\0", "latin1"),
  Buffer.alloc(8), // flags, length of the header's extension
]);
const END = Buffer.from([0xff, 0xff]);

/** `(id bigint, topic int, embedding vector)`; a vector is its dimensions, 0, and floats. */
export function tuple(id: number, topic: number, vector: Float32Array): Buffer {
  const bytes = Buffer.alloc(2 + 12 + 8 + 8 + 4 * vector.length);
  bytes.writeInt16BE(3, 0);
  bytes.writeInt32BE(8, 2);
  bytes.writeBigInt64BE(BigInt(id), 6);
  bytes.writeInt32BE(4, 14);
  bytes.writeInt32BE(topic, 18);
  bytes.writeInt32BE(4 + 4 * vector.length, 22);
  bytes.writeInt16BE(vector.length, 26);
  for (let i = 0; i < vector.length; i++) bytes.writeFloatBE(vector[i]!, 30 + 4 * i);
  return bytes;
}

export const vectorOf = ({ vectors, dimensions }: DataSet, row: number): Float32Array =>
  vectors.subarray(row * dimensions, (row + 1) * dimensions);

/** As pgvector reads it. */
export const vectorText = (set: DataSet, row: number): string =>
  `[${Array.from(vectorOf(set, row)).join()}]`;

/** All rows of a set, each in any place: a sample of N is the first N. */
export function shuffled({ rows }: DataSet, seed: number): number[] {
  return random(seed, "rows").shuffled(Array.from({ length: rows }, (_, row) => row));
}

/** A row of a table, and the row of the set that is its content. */
export interface Placed {
  readonly id: number;
  readonly row: number;
}

export async function copyRows(
  client: pg.Client,
  table: string,
  set: DataSet,
  rows: readonly Placed[],
): Promise<void> {
  const into = client.query(
    copyFrom(`COPY ${table} (id, topic, embedding) FROM STDIN (FORMAT binary)`),
  );
  const chunks = function* (): Generator<Buffer> {
    yield HEADER;
    for (let at = 0; at < rows.length; at += 100)
      yield Buffer.concat(
        rows
          .slice(at, at + 100)
          .map(({ id, row }) => tuple(id, set.topics[row]!, vectorOf(set, row))),
      );
    yield END;
  };
  await pipeline(Readable.from(chunks()), into);
}

export const tableFor = (table: string, { dimensions }: DataSet): string =>
  `CREATE TABLE ${table} (id bigint PRIMARY KEY, topic int NOT NULL, ` +
  `embedding vector(${dimensions}) NOT NULL)`;

/** pgvector's advice for ivfflat. */
export const listsFor = (rows: number): number => Math.max(10, Math.round(rows / 1000));

/** CREATE INDEX's part behind the table. */
export const indexOn = ({ operators }: DataSet, method: "hnsw" | "ivfflat", rows: number): string =>
  `USING ${method} (embedding ${operators})` +
  (method === "ivfflat" ? ` WITH (lists = ${listsFor(rows)})` : "");
