/**
 * The ledger of refusals: every evaluation that ended in no action, counted and not repeated, and
 * said aloud when it lasts.
 */
import sql from "sql-template-tag";
import { recordEvent } from "./events.ts";
import type { Host } from "../host/host.ts";
import type { Collection } from "../model/collection.ts";
import { type Flip, flipSentence, flipTime } from "../base/flip.ts";
import { count } from "../base/text.ts";

export interface RefusalRecord {
  readonly reason: string;
  readonly measured: unknown;
  readonly flips: Flip;
  readonly message: string;
  /** When it ends is known: it is never escalated. */
  readonly ends_itself?: boolean;
}

/**
 * Reasons that come in turns (a class that changes with every sample, attempts after a cooldown) go
 * on where they were, if they come back within this time: otherwise nothing would ever last long
 * enough to be escalated.
 */
const TURNS_SECONDS = 600;

/**
 * Seconds after which a refusal is escalated, where that is not refusal_escalation_seconds; null:
 * it never is. A cooldown and an action at work end by themselves, a person switched healing off, a
 * standby is one, a healthy collection lacks nothing, and what Citus distributes is not for the
 * loop. A problem that no rule knows needs a person soon: nothing else will look at it.
 */
const LIMITS: Readonly<Record<string, number | null>> = {
  cooldown: null,
  active_action: null,
  disabled: null,
  mode: null,
  standby_server: null,
  healthy: null,
  distributed: null,
  unknown_problem: 300,
};

/** Seconds; null: never. */
export const escalationLimit = (reason: string, seconds: number): number | null => {
  const own = Object.prototype.hasOwnProperty.call(LIMITS, reason) ? LIMITS[reason]! : seconds;
  return own === null ? null : Math.min(own, seconds);
};

/**
 * Counts the refusal, and closes the open ones of other reasons: what holds now is what is open.
 */
export function recordRefusal(
  host: Host,
  collection: Pick<Collection, "id" | "name">,
  problemClass: string,
  refusal: RefusalRecord,
  escalationSeconds: number,
): void {
  close(host, collection.id, refusal.reason, problemClass, true);
  host.execute(sql`
    UPDATE ruvector.healing_refusals SET closed_at = NULL, superseded = false
     WHERE id = (SELECT id FROM ruvector.healing_refusals r
                  WHERE r.collection_id = ${collection.id}::int AND r.reason = ${refusal.reason}
                    AND r.problem_class = ${problemClass}
                    AND r.superseded
                      AND r.closed_at > clock_timestamp() - make_interval(secs
                      => ${TURNS_SECONDS}::float8)
                    AND NOT EXISTS (SELECT FROM ruvector.healing_refusals o
                                     WHERE o.collection_id = r.collection_id AND o.reason = r.reason
                                       AND o.problem_class = r.problem_class
                                       AND o.closed_at IS NULL)
                  ORDER BY r.id DESC LIMIT 1)`);
  host.execute(sql`
    INSERT INTO ruvector.healing_refusals AS r (collection_id, collection, reason, problem_class,
      measured, flips_at, flips_time, message)
    VALUES (${collection.id}::int, ${collection.name}, ${refusal.reason}, ${problemClass},
      ${JSON.stringify(refusal.measured ?? null)}::jsonb,
      ${flipSentence(refusal.flips)}, to_timestamp(${flipTime(refusal.flips)}::float8),
      ${refusal.message})
    ON CONFLICT (collection_id, reason, problem_class) WHERE closed_at IS NULL DO UPDATE
      SET count = r.count + 1, last_at = clock_timestamp(), measured = excluded.measured,
        flips_at = excluded.flips_at, flips_time = excluded.flips_time,
        message = excluded.message`);
  host.execute(
    sql`SELECT ruvector.healing_count(${collection.id}::int, 'ruvector_healing_refusals_total',
      ${refusal.reason})`,
  );
  escalate(
    host,
    collection,
    problemClass,
    refusal,
    refusal.ends_itself ? null : escalationLimit(refusal.reason, escalationSeconds),
  );
}

/** Whether it is refused for that reason now. */
export const isRefused = (host: Host, collectionId: number, reason: string): boolean =>
  host.query(
    sql`SELECT FROM ruvector.healing_refusals WHERE collection_id = ${collectionId}::int
      AND reason = ${reason} AND closed_at IS NULL`,
  ).length > 0;

/** Says once that a refusal lasts too long: a guard must not hold the loop up in silence. */
function escalate(
  host: Host,
  collection: Pick<Collection, "id" | "name">,
  problemClass: string,
  { reason, measured, message }: RefusalRecord,
  limit: number | null,
): void {
  if (limit === null) return;
  const [row] = host.query<{ id: string; flips_at: string; times: number; seconds: number }>(sql`
    UPDATE ruvector.healing_refusals SET escalated_at = clock_timestamp()
     WHERE collection_id = ${collection.id}::int AND reason = ${reason}
       AND problem_class = ${problemClass} AND closed_at IS NULL AND escalated_at IS NULL
       AND first_at <= clock_timestamp() - make_interval(secs => ${limit}::float8)
    RETURNING id::text, flips_at, count::int AS times, extract(epoch
      FROM clock_timestamp() - first_at)::float8 AS seconds`);
  if (!row) return;
  recordEvent(host, {
    collection_id: collection.id,
    collection: collection.name,
    kind: "refusal_escalated",
    level: "warning",
    message:
      `nothing has been done about ${problemClass} for ${Math.round(row.seconds)} s (refused ` +
      `${count(row.times, "time")}): ${message}`,
    details: {
      refusal_id: row.id,
      reason,
      problem_class: problemClass,
      measured,
      flips_at: row.flips_at,
      count: row.times,
      limit_seconds: limit,
    },
  });
}

/**
 * Closes what is open: an action was decided on, or the collection is well. What comes later begins
 * anew.
 */
export function closeRefusals(host: Host, collectionId: number): void {
  close(host, collectionId, null, null, false);
  host.execute(
    sql`UPDATE ruvector.healing_refusals SET superseded = false
      WHERE collection_id = ${collectionId}::int AND superseded`,
  );
}

function close(
  host: Host,
  collectionId: number,
  exceptReason: string | null,
  exceptClass: string | null,
  superseded: boolean,
): void {
  host.execute(sql`
    UPDATE ruvector.healing_refusals SET closed_at = clock_timestamp(),
      superseded = ${superseded}::boolean
     WHERE collection_id = ${collectionId}::int AND closed_at IS NULL
       AND (reason, problem_class) IS DISTINCT FROM (${exceptReason}, ${exceptClass})`);
}
