/** The ledger of refusals: every evaluation that ended in no action, counted and not repeated. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Collection } from "../model/collection.ts";

export interface RefusalRecord {
  readonly reason: string;
  readonly measured: unknown;
  readonly flips_at: string;
  readonly message: string;
}

/** Counts the refusal, and closes the open ones of other reasons: what holds now is what is open. */
export function recordRefusal(host: Host, collection: Pick<Collection, "id" | "name">, problemClass: string, refusal: RefusalRecord): void {
  closeRefusals(host, collection.id, refusal.reason, problemClass);
  host.execute(sql`
    INSERT INTO ruvector.healing_refusals AS r (collection_id, collection, reason, problem_class, measured, flips_at, message)
    VALUES (${collection.id}::int, ${collection.name}, ${refusal.reason}, ${problemClass}, ${JSON.stringify(refusal.measured ?? null)}::jsonb,
            ${refusal.flips_at}, ${refusal.message})
    ON CONFLICT (collection_id, reason, problem_class) WHERE closed_at IS NULL DO UPDATE
      SET count = r.count + 1, last_at = clock_timestamp(), measured = excluded.measured, flips_at = excluded.flips_at, message = excluded.message`);
  host.execute(sql`SELECT ruvector.healing_count(${collection.id}::int, 'ruvector_healing_refusals_total', ${refusal.reason})`);
}

/** Closes what is open: the collection was decided on otherwise, or is well. */
export function closeRefusals(host: Host, collectionId: number, exceptReason: string | null = null, exceptClass: string | null = null): void {
  host.execute(sql`
    UPDATE ruvector.healing_refusals SET closed_at = clock_timestamp()
     WHERE collection_id = ${collectionId}::int AND closed_at IS NULL
       AND (reason, problem_class) IS DISTINCT FROM (${exceptReason}, ${exceptClass})`);
}
