/**
 * How wide the rows of each partition are, from the rows of a few pages. A partition's files do not
 * tell: what was moved out of it leaves room that stays in the file, and the partition would read
 * as full as before.
 */
import sql, { raw } from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import { measuredEvery } from "../../store/measurements.ts";

/** Pages looked at over all partitions: 16 MiB, read once a minute. */
const PAGES = 2048;
const PAGES_OF_ONE = { least: 4, most: 64 } as const;

/** Seconds for which the widths stand. */
const EVERY = 60;

/** Header of a row and its line pointer; the rest is columns. */
const ROW_HEADER = 28;

interface Sampled {
  readonly relid: string;
  readonly qualified: string;
  readonly foreign: boolean;
  readonly pages: number;
}

/**
 * Mean bytes of a row, TOAST included, by the partition's oid; a partition whose sample was empty
 * is missing.
 */
export function measureRowBytes(
  host: Host,
  collection: Collection,
  partitions: readonly Sampled[],
  fresh: boolean,
): Readonly<Record<string, number>> {
  return measuredEvery<Record<string, number>>(
    host,
    collection.id,
    { kind: "row_bytes", every: EVERY, fresh },
    (previous) => ({
      ...previous?.value,
      ...sampleRowBytes(
        host,
        collection,
        partitions.filter(({ foreign }) => !foreign),
      ),
    }),
  ).value;
}

function sampleRowBytes(
  host: Host,
  collection: Collection,
  partitions: readonly Sampled[],
): Record<string, number> {
  if (partitions.length === 0) return {};
  const columns = host.query<{ quoted: string }>(sql`
    SELECT quote_ident(attname) AS quoted FROM pg_attribute
      WHERE attrelid = ${collection.relid}::oid AND attnum > 0 AND NOT attisdropped`);
  const width = columns.map(({ quoted }) => `coalesce(pg_column_size(x.${quoted}), 0)`).join(" + ");
  const wanted = Math.min(
    PAGES_OF_ONE.most,
    Math.max(PAGES_OF_ONE.least, Math.floor(PAGES / partitions.length)),
  );
  const samples = partitions.map(
    ({ relid, qualified, pages }) =>
      `SELECT '${relid}' AS relid, avg(${width} + ${ROW_HEADER})::float8 AS bytes FROM ` +
      `${qualified} x TABLESAMPLE SYSTEM ` +
      `(${Math.min(100, (100 * wanted) / Math.max(1, pages))})`,
  );
  const rows = host
    .asOwner(collection.relid)
    .query<{ relid: string; bytes: number | null }>(sql`${raw(samples.join(" UNION ALL "))}`);
  return Object.fromEntries(
    rows.flatMap(({ relid, bytes }) => (bytes === null ? [] : [[relid, bytes]])),
  );
}
