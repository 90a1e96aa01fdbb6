/**
 * A writer and a searcher that run against the table while it heals, each on a session of its own
 * where there are many.
 */
import { type Failures, repeat, type Running } from "../load.ts";
import type { Session } from "../session.ts";
import { DIMENSIONS, WRITER_IDS } from "./table.ts";
import type { Ending } from "./venue.ts";

export interface WriterResult extends Failures {
  /** Ids whose INSERT was acknowledged. */
  readonly ids: number[];
}

export interface SearcherResult extends Failures {
  readonly milliseconds: number[];
}

const vector = (): string =>
  `[${Array.from({ length: DIMENSIONS }, () => (Math.random() * 2 - 1).toFixed(3)).join(",")}]`;

/** Inserts a few rows at a time where ruvector_healing_route() sends them. */
export function startWriter(session: Session & Ending): Running<WriterResult> {
  let next = WRITER_IDS;
  const result: WriterResult = { ids: [], errors: {} };
  return repeat(
    session,
    result,
    async (client) => {
      const ids = [next++, next++, next++];
      await client.query(
        `INSERT INTO embeddings (id, partition_id, tenant_id, embedding)
       SELECT id, ruvector_healing_route('embeddings')::int, 'writer', embedding::vector
         FROM unnest($1::bigint[], $2::text[]) w(id, embedding)`,
        [ids, ids.map(vector)],
      );
      result.ids.push(...ids);
    },
    60,
  );
}

/** Asks for the ten nearest neighbours of random vectors. */
export function startSearcher(session: Session & Ending): Running<SearcherResult> {
  const result: SearcherResult = { milliseconds: [], errors: {} };
  return repeat(
    session,
    result,
    async (client) => {
      const began = process.hrtime.bigint();
      await client.query("SELECT id FROM embeddings ORDER BY embedding <-> $1::vector LIMIT 10", [
        vector(),
      ]);
      result.milliseconds.push(Number(process.hrtime.bigint() - began) / 1e6);
    },
    40,
  );
}
