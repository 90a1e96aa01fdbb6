/** The rows of ruvector.healing_rests: collections that are plainly healthy, and by what. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";

/** What a look at a collection goes by, as numbers that change with it. */
export interface Seen {
  /** null: its table is not the one that was registered. */
  readonly seen: string | null;
  readonly server: string;
  /** Somebody waits on it, works on it, or holds it locked. */
  readonly busy: boolean;
  /** As it was when it was last found plainly healthy. */
  readonly unchanged: boolean;
  /** An action, a lease, a job, a report... that wants a turn whatever its figures are. */
  readonly pending: boolean;
}

/** As it is now: asked before the look, so that what comes meanwhile is looked at next. */
export const readSeen = (host: Host, collectionId: number): Seen =>
  host.one<Seen>(sql`
    SELECT n.seen::text, coalesce(n.busy, true) AS busy, g.server,
           coalesce(r.seen = n.seen AND r.server = g.server, false) AS unchanged,
           EXISTS (SELECT FROM ruvector.healing_pending(ARRAY[${collectionId}::int])) AS pending
      FROM (SELECT ruvector.healing_server_seen() AS server) g
      LEFT JOIN ruvector.healing_seen(ARRAY[${collectionId}::int]) n ON true
      LEFT JOIN ruvector.healing_rests r ON r.collection_id = n.collection_id`);

export interface Rest {
  readonly sample_id: string;
  /** The newest run of pg_cron that was looked at. */
  readonly cron_run: string;
  /** Seconds after which the clock may say something else of it; null: never. */
  readonly most_seconds: number | null;
  /** For how many seconds what is measured now and then stands, by its kind. */
  readonly stands: Readonly<Record<string, number>>;
  readonly duration_ms: number;
  /** Least seconds between two samples. */
  readonly apart: number;
}

/** Keeps it, unless something is pending that only the tables know. */
export function keepRest(host: Host, collectionId: number, before: Seen, rest: Rest): void {
  host.execute(sql`
    SELECT ruvector.healing_keep_rest(${collectionId}::int, ${rest.sample_id}::bigint,
      ${before.seen}::numeric, ${before.server}, ${rest.cron_run}::bigint,
      ${rest.most_seconds}::float8, ${rest.duration_ms}::float8, ${rest.apart}::float8,
      ${JSON.stringify(rest.stands)}::jsonb)`);
}
