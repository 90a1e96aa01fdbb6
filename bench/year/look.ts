/** What searches by an index find and cost, as its owner's application would have them today. */
import pg from "pg";
import { distance, kthDistance, within } from "../data/exact.ts";
import { vectorText } from "../data/load.ts";
import type { DataSet } from "../data/sets.ts";
import type { Random } from "../../test/chaos/random.ts";
import type { Table } from "./arms.ts";

export const K = 10;

/** Rows that are searched for today, and how far their k-th nearest is. */
export interface Questions {
  readonly rows: readonly number[];
  readonly limits: readonly number[];
  readonly live: ReadonlyMap<number, number>;
}

export function questions(
  set: DataSet,
  live: ReadonlyMap<number, number>,
  count: number,
  random: Random,
): Questions {
  const contents = [...live.values()];
  const rows = random.shuffled(contents).slice(0, count);
  return { rows, live, limits: rows.map((row) => within(kthDistance(set, contents, row, K))) };
}

export interface Look {
  readonly recall: number;
  /** Blocks of index and table, and milliseconds with the way to the server and back, a search. */
  readonly blocks: number;
  readonly ms: number;
}

/** @param url as the table's owner: a new session, with what ALTER ROLE has set for it */
export async function look(
  url: string,
  set: DataSet,
  table: Pick<Table, "name" | "role">,
  { rows, limits, live }: Questions,
): Promise<Look> {
  const as = new URL(url);
  as.username = table.role;
  const client = new pg.Client({ connectionString: as.href });
  await client.connect();
  try {
    // Which plan is taken is not the question here: the table grows until the index is cheaper.
    await client.query("SET enable_seqscan = off; SET enable_sort = off; BEGIN");
    const fetched = async (): Promise<number> => {
      const answer = await client.query<{ n: string }>(
        "SELECT pg_stat_get_xact_blocks_fetched($1::regclass) + " +
          "sum(pg_stat_get_xact_blocks_fetched(indexrelid)) AS n FROM pg_index " +
          "WHERE indrelid = $1::regclass AND NOT indisprimary",
        [table.name],
      );
      return Number(answer.rows[0]!.n);
    };
    const before = await fetched();
    let hits = 0;
    let ms = 0;
    for (const [i, row] of rows.entries()) {
      const began = performance.now();
      const found = await client.query<{ id: string }>(
        `SELECT id FROM ${table.name} ORDER BY embedding ${set.operator} $1::vector ` +
          `LIMIT ${K + 1}`,
        [vectorText(set, row)],
      );
      ms += performance.now() - began;
      const others = found.rows.map(({ id }) => live.get(Number(id))!).filter((r) => r !== row);
      hits += others.slice(0, K).filter((r) => distance(set, row, r) <= limits[i]!).length;
    }
    const blocks = (await fetched()) - before;
    await client.query("COMMIT");
    return {
      recall: hits / (K * rows.length),
      blocks: blocks / rows.length,
      ms: ms / rows.length,
    };
  } finally {
    await client.end();
  }
}
