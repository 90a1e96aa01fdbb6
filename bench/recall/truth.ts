/** What an index really finds: plain searches by it, compared with exact ones in JavaScript. */
import type pg from "pg";
import { distance, kthDistance, within } from "../data/exact.ts";
import { vectorText } from "../data/load.ts";
import type { DataSet } from "../data/sets.ts";

export interface Truth {
  readonly recall: number;
  /** Its standard error: not every row is searched for. */
  readonly error: number;
  /** Standard deviation of the recall of one search. */
  readonly deviation: number;
}

/** How far the k-th nearest is, for each row that is searched for. */
export const limitsOf = (
  set: DataSet,
  rows: readonly number[],
  queries: readonly number[],
  k: number,
): number[] => queries.map((row) => within(kthDistance(set, rows, row, k)));

/** @param set_to what to set before, as `hnsw.ef_search = 40` */
export async function truth(
  client: pg.Client,
  set: DataSet,
  set_to: string,
  { queries, limits, k }: { queries: readonly number[]; limits: readonly number[]; k: number },
): Promise<Truth> {
  await client.query(
    `SET ${set_to}; SET enable_seqscan = off; SET enable_sort = off; SET jit = off`,
  );
  const each: number[] = [];
  for (const [i, row] of queries.entries()) {
    const { rows: found } = await client.query<{ id: string }>(
      `SELECT id FROM t ORDER BY embedding ${set.operator} $1::vector LIMIT ${k + 1}`,
      [vectorText(set, row)],
    );
    const others = found.map(({ id }) => Number(id)).filter((id) => id !== row);
    each.push(others.slice(0, k).filter((id) => distance(set, row, id) <= limits[i]!).length / k);
  }
  await client.query("RESET ALL");
  const recall = each.reduce((sum, r) => sum + r, 0) / each.length;
  const variance = each.reduce((sum, r) => sum + (r - recall) ** 2, 0) / (each.length - 1);
  return {
    recall,
    error: Math.sqrt(variance / each.length),
    deviation: Math.sqrt(variance),
  };
}
