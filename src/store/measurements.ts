/**
 * Measurements that outlive a sample: those that cost too much to take every few seconds (recall,
 * fragmentation), and counters that mean something only beside their last reading. They can be
 * lost: a restore without them measures anew.
 */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";

export interface Remembered<T> {
  readonly value: T;
  /** Seconds since 1970, the database's clock. */
  readonly at: number;
}

/** The last measurement of a kind; null: there is none. */
export function lastMeasurement<T>(
  host: Host,
  collectionId: number,
  kind: string,
): Remembered<T> | null {
  return (
    host.query<Remembered<T>>(sql`
    SELECT value, extract(epoch FROM measured_at)::float8 AS at FROM ruvector.integrity_measurements
     WHERE collection_id = ${collectionId}::int AND kind = ${kind}`)[0] ?? null
  );
}

/**
 * Says for the rest of the transaction whether measurements are kept: `off` while somebody only
 * looks.
 */
const SWITCH = "ruvector_healing.remember";

/**
 * Runs work that measures without keeping what it measured, for those who only look
 * (ruvector_contracted_graph): in an open transaction they would otherwise hold the collection's
 * lock, and the loop would pass it by for as long. (Not a variable of this module: a cancelled
 * statement would leave it as it is, the setting ends with the transaction.)
 */
export function withoutKeeping<T>(host: Host, work: () => T): T {
  host.execute(sql`SELECT set_config(${SWITCH}, 'off', true)`);
  const result = work();
  host.execute(sql`SELECT set_config(${SWITCH}, 'on', true)`);
  return result;
}

/**
 * Whether anything may be kept now: not on a standby, not in a transaction that only reads, and not
 * beside a session that is at work on the collection.
 */
const mayKeep = (host: Host, collectionId: number): boolean =>
  host.one<{ may: boolean }>(sql`
    SELECT CASE WHEN current_setting('transaction_read_only') = 'off'
      AND current_setting(${SWITCH}, true) IS DISTINCT FROM 'off'
                THEN ruvector.healing_try_lock('collection', ${collectionId}::int)
                  ELSE false END AS may`).may;

/** Keeps a measurement in place of the last one of its kind, where it may be kept. */
export function keepMeasurement<T>(
  host: Host,
  collectionId: number,
  kind: string,
  value: T,
): Remembered<T> {
  if (!mayKeep(host, collectionId)) return { value, at: host.now() / 1000 };
  const { at } = host.one<{ at: number }>(sql`
    INSERT INTO ruvector.integrity_measurements AS m (collection_id, kind, measured_at, value)
    VALUES (${collectionId}::int, ${kind}, clock_timestamp(), ${JSON.stringify(value)}::jsonb)
    ON CONFLICT (collection_id, kind) DO
      UPDATE SET measured_at = excluded.measured_at, value = excluded.value
    RETURNING extract(epoch FROM measured_at)::float8 AS at`);
  return { value, at };
}

/** When a fresh build of a vector index was last tried, anywhere; seconds since 1970, 0: never. */
export const lastTrial = (host: Host): number =>
  host.one<{ at: number }>(sql`
    SELECT coalesce(max(greatest((i.kept #>> '{trial,at}')::float8,
             (i.kept #>> '{untried,at}')::float8)), 0) AS at
      FROM ruvector.integrity_measurements m CROSS JOIN LATERAL jsonb_each(m.value) i (name, kept)
     WHERE m.kind = 'centroids'`).at;

/** What was measured is no more so: the next look takes it anew, and keeps what it remembers. */
export function outdateMeasurement(host: Host, collectionId: number, kind: string): void {
  host.execute(sql`
    UPDATE ruvector.integrity_measurements SET measured_at = 'epoch'
     WHERE collection_id = ${collectionId}::int AND kind = ${kind}`);
}

/** A measurement that is taken now and then. */
export interface Periodic {
  readonly kind: string;
  /** Seconds. */
  readonly every: number;
  /** Take it anew: an action is about to be judged by it. */
  readonly fresh: boolean;
}

/**
 * A measurement that is taken again only when it is `every` seconds old, when `fresh` asks for it,
 * or when the clock was set back behind it.
 * @param measure gets the last measurement, to compare with
 */
export function measuredEvery<T>(
  host: Host,
  collectionId: number,
  { kind, every, fresh }: Periodic,
  measure: (previous: Remembered<T> | null) => T,
): Remembered<T> {
  const previous = lastMeasurement<T>(host, collectionId, kind);
  const now = host.one<{ at: number }>(
    sql`SELECT extract(epoch FROM clock_timestamp())::float8 AS at`,
  ).at;
  if (previous && !fresh && now >= previous.at && now - previous.at < every) return previous;
  return keepMeasurement(host, collectionId, kind, measure(previous));
}

/** Sets a key of the last measurement of a kind to true, where there is one. */
export function mark(host: Host, collectionId: number, kind: string, key: string): void {
  host.execute(sql`
    UPDATE ruvector.integrity_measurements
       SET value = jsonb_set(value, ARRAY[${key}::text], 'true')
     WHERE collection_id = ${collectionId}::int AND kind = ${kind}
       AND NOT jsonb_exists(value, ${key})`);
}
