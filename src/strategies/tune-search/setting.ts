/**
 * The setting itself: ALTER ROLE ... IN DATABASE ... SET, which a new session of the role takes up
 * and nobody waits for.
 */
import sql, { raw } from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import type { NothingToDo } from "../strategy.ts";

export interface Scope {
  /** Unquoted. */
  readonly roles: readonly string[];
  readonly database: string;
  /** Whose settings the installing role may not change. */
  readonly barred: readonly Pick<Role, "name" | "alter" | "me">[];
}

interface Role {
  readonly name: string;
  readonly exists: boolean;
  readonly logs_in: boolean;
  readonly may: boolean;
  readonly alter: string;
  readonly me: string;
  readonly database: string;
}

/** The table's owner and the roles of the setting tune_roles; or why it would reach nobody. */
export function whoseSetting(host: Host, { relid, settings }: Collection): Scope | NothingToDo {
  const named = settings.tune_roles
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const roles = host.query<Role>(sql`
    SELECT DISTINCT ON (w.place, w.name) w.name, r.oid IS NOT NULL AS exists,
           coalesce(r.rolcanlogin, false) AS logs_in,
           coalesce(me.rolsuper OR r.oid = me.oid
             OR me.rolcreaterole AND NOT r.rolsuper
               AND (current_setting('server_version_num')::int < 160000
                 OR pg_has_role(r.oid, 'USAGE WITH ADMIN OPTION')), false) AS may,
           format('ALTER ROLE %I IN DATABASE %I', w.name, current_database()) AS alter,
           quote_ident(me.rolname) AS me, quote_ident(current_database()) AS database
      FROM (SELECT pg_get_userbyid(c.relowner)::text AS name, 0 AS place FROM pg_class c
             WHERE c.oid = ${relid}::oid
            UNION ALL SELECT value, 1
              FROM jsonb_array_elements_text(${JSON.stringify(named)}::jsonb)) w
      JOIN pg_roles me ON me.rolname = current_user
      LEFT JOIN pg_roles r ON r.rolname = w.name
     ORDER BY w.place, w.name`);
  const missing = roles.find(({ exists }) => !exists);
  if (missing)
    return {
      nothing: `there is no role ${missing.name.slice(0, 100)} (setting tune_roles)`,
      hint: "tune_roles names roles as pg_roles does, separated by commas.",
    };
  // A setting is taken up by the role that logs in, not by those that it is a member of.
  if (!roles.some(({ logs_in }) => logs_in))
    return {
      nothing:
        `${roles.map(({ name }) => name).join(", ")} cannot log in: a setting of it reaches no ` +
        "session",
      hint:
        "The setting tune_roles names the roles that the application logs in as: SELECT " +
        `ruvector_healing_configure('{"tune_roles": "..."}');`,
    };
  return {
    roles: [...new Set(roles.map(({ name }) => name))],
    database: roles[0]!.database,
    barred: roles.filter(({ may }) => !may),
  };
}

/** What to type for those that the installing role may not change; null: it may change all. */
export function byHand(
  { barred }: Scope,
  setting: string,
  value: number | string,
): NothingToDo | null {
  const [first] = barred;
  if (!first) return null;
  const names = barred.map(({ name }) => name).join(", ");
  const statements = barred.map(({ alter }) => `${alter} SET ${setting} = ${value};`);
  return {
    nothing: `role ${first.me} may not change settings of ${names}`,
    hint: `${statements.join(" ")} does it by hand.`,
  };
}

/** What a role has in this database; null: nothing of its own there. */
export const settingOf = (host: Host, role: string, setting: string): string | null =>
  host.query<{ value: string }>(sql`
    SELECT substr(one, strpos(one, '=') + 1) AS value
      FROM pg_db_role_setting d CROSS JOIN LATERAL unnest(d.setconfig) one
      JOIN pg_roles r ON r.oid = d.setrole
     WHERE r.rolname = ${role} AND split_part(one, '=', 1) = ${setting}
       AND d.setdatabase = (SELECT oid FROM pg_database
         WHERE datname = current_database())`)[0]?.value ?? null;

/** What a role has without that: of its own in all databases, or the database's; null: nothing. */
export const settingElsewhere = (host: Host, role: string, setting: string): string | null =>
  host.query<{ value: string }>(sql`
    SELECT substr(one, strpos(one, '=') + 1) AS value
      FROM pg_db_role_setting d CROSS JOIN LATERAL unnest(d.setconfig) one
     WHERE split_part(one, '=', 1) = ${setting}
       AND (d.setdatabase = 0 AND d.setrole IN (0, (SELECT oid FROM pg_roles
              WHERE rolname = ${role}))
         OR d.setrole = 0 AND d.setdatabase = (SELECT oid FROM pg_database
              WHERE datname = current_database()))
     ORDER BY d.setrole = 0, d.setdatabase = 0 LIMIT 1`)[0]?.value ?? null;

/** Whether searches with what somebody has look as deep as with the value, or go on as well. */
export const looksAsDeep = (has: string | null, value: number | string): boolean =>
  has !== null &&
  (Number.isNaN(Number(value))
    ? has === String(value) || (has === "relaxed_order" && value === "strict_order")
    : Number(has) >= Number(value));

export const roleOid = (host: Host, role: string): string | null =>
  host.query<{ oid: string }>(sql`SELECT oid::text FROM pg_roles WHERE rolname = ${role}`)[0]
    ?.oid ?? null;

/** The name of a role now, which may have been renamed since; as it was, where it is not known. */
export const roleNow = (host: Host, oid: string | null | undefined, role: string): string =>
  host.query<{ name: string }>(sql`
    SELECT rolname::text AS name FROM pg_roles WHERE oid = ${oid ?? null}::oid`)[0]?.name ?? role;

/**
 * Sets it, or takes it away (null). Only where pgvector is loaded may who is no superuser set what
 * is pgvector's, and in a session that has read no vector it is not.
 * @throws SqlError 55P03 while another session changes settings of roles
 */
export function alterSetting(
  host: Host,
  role: string,
  setting: string,
  value: string | null,
): void {
  const [pgvector] = host.query<{ load: string }>(sql`
    SELECT format('SELECT CAST(%L AS %I.vector)', '[0]', n.nspname) AS load
      FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
     WHERE e.extname = 'vector'`);
  if (pgvector) host.query(sql`${raw(pgvector.load)}`);
  host.query(sql`SELECT ruvector.healing_settings_are_free(${role})`);
  const { statement } = host.one<{ statement: string }>(sql`
    SELECT format('ALTER ROLE %I IN DATABASE %I ', ${role}::text, current_database())
      || CASE WHEN ${value}::text IS NULL THEN format('RESET %s', ${setting}::text)
         ELSE format('SET %s = %L', ${setting}::text, ${value}::text) END AS statement`);
  host.execute(sql`${raw(statement)}`);
}
