/** Whether a limit on statements ends a job before it is done. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";

interface Limit {
  readonly name: string;
  readonly seconds: number;
  readonly database: string;
}

/**
 * The least of what a new session of the installing role has in this database: what the role has
 * there, the role, the database, all, the server. Managed services give their roles some
 * (Supabase: 2 minutes).
 */
const leastLimit = (host: Host): Limit | undefined =>
  host.query<Limit>(sql`
  SELECT n.name, l.seconds::float8 AS seconds, quote_ident(current_database()) AS database
    FROM unnest(ARRAY['statement_timeout', 'transaction_timeout']) n(name)
   CROSS JOIN LATERAL (SELECT coalesce(
      (SELECT extract(epoch FROM (CASE WHEN v ~ '^[0-9]+$' THEN v || 'ms' ELSE v END)::interval)
         FROM pg_db_role_setting s, unnest(s.setconfig) o,
              substr(o, length(n.name) + 2) v
        WHERE starts_with(o, n.name || '=') AND s.setrole IN (0, (SELECT oid FROM pg_roles
            WHERE rolname = current_user))
          AND s.setdatabase IN (0, (SELECT oid FROM pg_database
            WHERE datname = current_database()))
        -- The role in the database, then the role, then the database.
        ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC LIMIT 1),
      (SELECT s.setting::float8 / 1000 FROM ruvector.healing_parameters() s WHERE s.name = n.name
          AND s.source = 'configuration file'), 0) AS seconds) l
   WHERE l.seconds > 0 ORDER BY l.seconds LIMIT 1`)[0];

/**
 * Why a job of so many seconds would not end well, and what to type; null: nothing would end it.
 * @param what a build, a VACUUM
 */
export function endedEarly(
  host: Host,
  what: string,
  seconds: number,
): { readonly nothing: string; readonly hint: string } | null {
  const limit = leastLimit(host);
  if (limit === undefined || limit.seconds >= seconds) return null;
  const { name, database } = limit;
  return {
    nothing:
      `the installing role's ${name} of ${limit.seconds} s would end ${what} that takes ` +
      `about ${seconds} s`,
    hint:
      `ALTER ROLE CURRENT_USER IN DATABASE ${database} SET ${name} = 0; or a limit above ` +
      `${seconds} s.`,
  };
}
