/** healing_measure_index as the loop calls it, often, each time with other rows searched for. */
import type pg from "pg";

export interface Measurement {
  readonly recall: number;
  readonly samples: number;
  readonly share: number;
  readonly duration_ms: number;
  readonly index_ms: number;
  readonly exact_ms: number;
  readonly recall_error: number | null;
}

export interface Wanted {
  readonly k: number;
  readonly samples: number;
  readonly probes: number;
  readonly budget_ms: number;
  readonly max_rows: number;
  /** Searches go on from `samples` until the error is within this in 95 of 100. */
  readonly error?: number;
}

export async function measure(client: pg.Client, wanted: Wanted, seed: number) {
  const { rows } = await client.query<{ answer: Measurement & { why?: string } }>(
    "SELECT ruvector.healing_measure_index('t_index'::regclass, $1::jsonb) AS answer",
    [JSON.stringify({ ...wanted, seed, exact_count_pages: 8192, occupancy: false })],
  );
  const { answer } = rows[0]!;
  if (answer.why !== undefined) throw new Error(`no measurement: ${answer.why}`);
  return answer;
}

export async function measureOften(
  client: pg.Client,
  wanted: Wanted,
  tries: number,
): Promise<Measurement[]> {
  const all: Measurement[] = [];
  for (let seed = 1; seed <= tries; seed++) all.push(await measure(client, wanted, seed));
  return all;
}

interface Plan {
  readonly "Shared Hit Blocks": number;
  readonly "Shared Read Blocks": number;
}

/** Blocks that one measurement asks for. */
export async function blocksOf(client: pg.Client, wanted: Wanted): Promise<number> {
  const json = JSON.stringify({ ...wanted, exact_count_pages: 8192, occupancy: false });
  const { rows } = await client.query<{ "QUERY PLAN": [{ Plan: Plan }] }>(
    "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT ruvector.healing_measure_index(" +
      `'t_index'::regclass, '${json}'::jsonb)`,
  );
  const { Plan: plan } = rows[0]!["QUERY PLAN"][0];
  return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
}
