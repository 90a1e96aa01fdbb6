/** A writer and a searcher that run against the table while it heals, each on its own connection. */
import pg from "pg";
import { DIMENSIONS, WRITER_IDS } from "./table.ts";

interface Failures {
  /** How often, by SQLSTATE; "connection" where the server gave none. */
  readonly errors: Record<string, number>;
}

export interface WriterResult extends Failures {
  /** Ids whose INSERT was acknowledged. */
  readonly ids: number[];
}

export interface SearcherResult extends Failures {
  readonly milliseconds: number[];
}

export interface Running<T> {
  readonly result: T;
  /** Waits for the statement that is under way; may be called again. */
  stop(): Promise<void>;
}

const vector = (): string => `[${Array.from({ length: DIMENSIONS }, () => (Math.random() * 2 - 1).toFixed(3)).join(",")}]`;

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function loop<T extends Failures>(url: string, result: T, turn: (client: pg.Client) => Promise<void>, rest: number): Promise<Running<T>> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  let running = true;
  const done = (async () => {
    while (running) {
      try {
        await turn(client);
      } catch (error) {
        const code = (error as { code?: string }).code ?? "connection";
        result.errors[code] = (result.errors[code] ?? 0) + 1;
      }
      await pause(rest);
    }
    await client.end().catch(() => undefined);
  })();
  return {
    result,
    stop: async () => {
      running = false;
      await done;
    },
  };
}

/** Inserts a few rows at a time where ruvector_healing_route() sends them. */
export function startWriter(url: string): Promise<Running<WriterResult>> {
  let next = WRITER_IDS;
  const result: WriterResult = { ids: [], errors: {} };
  return loop(url, result, async (client) => {
    const ids = [next++, next++, next++];
    await client.query(
      `INSERT INTO embeddings (id, partition_id, tenant_id, embedding)
       SELECT id, ruvector_healing_route('embeddings')::int, 'writer', embedding::vector
         FROM unnest($1::bigint[], $2::text[]) w(id, embedding)`, [ids, ids.map(vector)]);
    result.ids.push(...ids);
  }, 60);
}

/** Asks for the ten nearest neighbours of random vectors. */
export function startSearcher(url: string): Promise<Running<SearcherResult>> {
  const result: SearcherResult = { milliseconds: [], errors: {} };
  return loop(url, result, async (client) => {
    const began = process.hrtime.bigint();
    await client.query("SELECT id FROM embeddings ORDER BY embedding <-> $1::vector LIMIT 10", [vector()]);
    result.milliseconds.push(Number(process.hrtime.bigint() - began) / 1e6);
  }, 40);
}

export function percentile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return value === undefined ? null : Number(value.toFixed(1));
}
