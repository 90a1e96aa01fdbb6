/** lambda as a line: of the last half hour. */
import { type Missing, optional, type Query } from "./query.ts";

/** Half a minute a value, half an hour of them. */
const TREND = { bucket: 30, buckets: 60 } as const;

/**
 * lambda of all collections over the last half hour. Reads every sample of that time: not to be
 * asked every second.
 */
export async function readTrends(
  query: Query,
  missing: Missing[],
): Promise<ReadonlyMap<string, readonly (number | null)[]>> {
  const rows = await optional<{ name: string; bucket: number; lambda: number | null }>(
    query,
    missing,
    "ruvector_integrity_history",
    `
    SELECT collection_name AS name, floor(extract(epoch
      FROM now() - sampled_at)::float8 / ${TREND.bucket}::float8)::int AS bucket,
      min(lambda) AS lambda
      FROM ruvector.ruvector_integrity_history(since := now()
        - interval '${TREND.bucket * TREND.buckets} seconds', limit_ := 50000)
     GROUP BY 1, 2`,
  );
  const trends = new Map<string, (number | null)[]>();
  for (const { name, bucket, lambda } of rows) {
    let trend = trends.get(name);
    if (!trend) trends.set(name, (trend = Array.from({ length: TREND.buckets }, () => null)));
    const place = TREND.buckets - 1 - bucket;
    if (place >= 0 && place < TREND.buckets) trend[place] = lambda;
  }
  return trends;
}
