/** What the doctor asks a server: catalogues and settings, nothing that a plain role may not. */
import { optional, type Missing, type Query } from "../status-data/query.ts";

export interface Extension {
  readonly name: string;
  readonly default_version: string;
  readonly installed_version: string | null;
}

export interface CronJob {
  readonly jobid: string;
  readonly jobname: string | null;
  readonly schedule: string;
  readonly active: boolean;
  /** Of its last run that ended badly, where no later one ended well. */
  readonly failure: string | null;
}

export interface Facts {
  readonly version_num: number;
  readonly version: string;
  /** version(), which names who packaged it. */
  readonly banner: string;
  readonly database: string;
  readonly role: string;
  readonly encoding: string;
  readonly standby: boolean;
  readonly public_schema: boolean;
  readonly may_create_in_public: boolean;
  readonly may_create_schemas: boolean;
  /** Names of settings and roles that only one provider has. */
  readonly settings: readonly string[];
  readonly roles: readonly string[];
  readonly aurora: boolean;
  /** Null where this role may not see it. */
  readonly preloaded: string | null;
  readonly cron_loaded: boolean;
  /** Null where this role may not see it, too. */
  readonly cron_database: string | null;
  /** Of the role that installed, or would: its jobs they are. */
  readonly cron_usage: boolean;
  readonly extensions: readonly Extension[];
  readonly installed: Installed | null;
}

export interface Installed {
  /** Null where this role may not ask. */
  readonly version: string | null;
  readonly owner: string;
  readonly language: string | null;
  readonly by_extension: boolean;
  readonly loop: Loop | null;
  readonly collections: number | null;
  /** Null where this role may not see pg_cron's jobs. */
  readonly jobs: readonly CronJob[] | null;
  /** Jobs of ours whose database was renamed or dropped. */
  readonly gone_jobs: readonly { readonly jobid: string; readonly database: string }[];
  readonly foreign_tables: readonly { readonly table: string; readonly owner: string }[];
}

export interface Loop {
  readonly title: string;
  readonly sentence: string;
  readonly statement: string | null;
  readonly stands_still: boolean;
}

const SERVER = `
  SELECT pg_catalog.current_setting('server_version_num')::int AS version_num,
         pg_catalog.current_setting('server_version') AS version, pg_catalog.version() AS banner,
         pg_catalog.current_database()::text AS database, current_user::text AS role,
         pg_catalog.getdatabaseencoding()::text AS encoding,
         pg_catalog.pg_is_in_recovery() AS standby,
         pg_catalog.to_regnamespace('public') IS NOT NULL AS public_schema,
         coalesce(pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace('public')::oid,
           'CREATE'), false) AS may_create_in_public,
         pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
           AS may_create_schemas,
         ARRAY(SELECT s.name FROM pg_catalog.pg_settings s
           WHERE s.name ~ '^(rds|cloudsql|alloydb|azure|neon|aiven|supautils)[.]')::text[]
           AS settings,
         ARRAY(SELECT r.rolname::text FROM pg_catalog.pg_roles r
           WHERE r.rolname IN ('supabase_admin', 'avnadmin', 'neon_superuser', 'streaming_replica',
             'cloudsqlsuperuser', 'alloydbsuperuser', 'azure_pg_admin', 'rds_superuser')) AS roles,
         pg_catalog.to_regprocedure('aurora_version()') IS NOT NULL AS aurora,
         (SELECT s.setting FROM pg_catalog.pg_settings s
           WHERE s.name = 'shared_preload_libraries') AS preloaded,
         EXISTS (SELECT FROM pg_catalog.pg_settings s WHERE s.name ~ '^cron[.]')
           OR EXISTS (SELECT FROM pg_catalog.pg_stat_activity a
             WHERE a.backend_type = 'pg_cron launcher') AS cron_loaded,
         (SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name = 'cron.database_name')
           AS cron_database,
         coalesce(pg_catalog.has_schema_privilege(coalesce(
             (SELECT n.nspowner FROM pg_catalog.pg_namespace n WHERE n.nspname = 'ruvector'),
             (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)),
           pg_catalog.to_regnamespace('cron')::oid, 'USAGE'), false) AS cron_usage`;

const EXTENSIONS = `
  SELECT e.name::text, e.default_version, e.installed_version
    FROM pg_catalog.pg_available_extensions e
   WHERE e.name IN ('plv8', 'pljs', 'vector', 'pg_cron', 'ruvector_healing') ORDER BY e.name`;

const INSTALLATION = `
  SELECT pg_catalog.pg_get_userbyid(n.nspowner)::text AS owner,
         (SELECT l.lanname::text FROM pg_catalog.pg_proc p
           JOIN pg_catalog.pg_language l ON l.oid = p.prolang
           WHERE p.pronamespace = n.oid AND l.lanname IN ('plv8', 'pljs') LIMIT 1) AS language,
         EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname = 'ruvector_healing')
           AS by_extension
    FROM pg_catalog.pg_namespace n
   WHERE n.nspname = 'ruvector' AND EXISTS (SELECT FROM pg_catalog.pg_proc p
     WHERE p.pronamespace = n.oid AND p.proname = 'healing_version')`;

/** A name that is looked up would be refused where its schema is not for this role. */
const CRON = `
  SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = 'cron' AND c.relname = 'job'`;

const LOOP = `
  SELECT s.status -> 'loop' AS loop,
         (SELECT count(*)::int FROM pg_catalog.jsonb_object_keys(s.status -> 'collections'))
           AS collections
    FROM (SELECT ruvector.ruvector_healing_status() AS status) s`;

/** Jobs by what they run: their names have been others, and may be the user's. */
const JOBS = `
  SELECT j.jobid::text, j.jobname, j.schedule, j.active,
         (SELECT r.return_message FROM cron.job_run_details r
           WHERE r.jobid = j.jobid AND r.status = 'failed' AND NOT EXISTS (
             SELECT FROM cron.job_run_details l WHERE l.jobid = r.jobid AND l.runid > r.runid
               AND l.status = 'succeeded')
           ORDER BY r.runid DESC LIMIT 1) AS failure
    FROM cron.job j
   WHERE j.database = pg_catalog.current_database()
     AND j.command ~ 'ruvector[_.]healing_tick[ ]*[(]' ORDER BY j.jobid`;

const GONE_JOBS = `
  SELECT j.jobid::text, j.database FROM cron.job j
   WHERE j.jobname ~ '^ruvector_healing_(tick|watch)_' AND NOT EXISTS (
     SELECT FROM pg_catalog.pg_database d WHERE d.datname = j.database) ORDER BY j.jobid`;

const FOREIGN_TABLES = `
  SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS table,
         pg_catalog.pg_get_userbyid(c.relowner)::text AS owner
    FROM pg_catalog.jsonb_object_keys(ruvector.ruvector_healing_status() -> 'collections') k(name)
    JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(k.name)
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE NOT pg_catalog.pg_has_role($1::name, c.relowner, 'USAGE') ORDER BY 1`;

async function readInstalled(query: Query): Promise<Installed | null> {
  const [found] = await query<Pick<Installed, "owner" | "language" | "by_extension">>(INSTALLATION);
  if (found === undefined) return null;
  const denied: Missing[] = [];
  const ask = <Row extends object>(what: string, statement: string, parameters?: unknown[]) =>
    optional<Row>(query, denied, what, statement, parameters);
  const version = async (name: string): Promise<{ version: string } | undefined> =>
    (await ask<{ version: string }>(name, `SELECT ruvector.${name}() AS version`))[0];
  // A viewer may ask the second; an installation of before it has the first alone.
  const known = (await version("healing_version")) ?? (await version("ruvector_healing_version"));
  const [status] = await ask<{ loop: Loop; collections: number }>("status", LOOP);
  const [cron] = await query(CRON);
  const jobs = cron === undefined ? [] : await ask<CronJob>("cron.job", JOBS);
  const gone_jobs =
    cron === undefined ? [] : await ask<Installed["gone_jobs"][number]>("cron.job", GONE_JOBS);
  return {
    ...found,
    version: known?.version ?? null,
    loop: status?.loop ?? null,
    collections: status?.collections ?? null,
    jobs: denied.some(({ what }) => what === "cron.job") ? null : jobs,
    gone_jobs,
    foreign_tables: await ask("collections", FOREIGN_TABLES, [found.owner]),
  };
}

/** pg_settings hides it from a plain role; by its name it is refused, where it is there. */
async function hiddenCron(query: Query): Promise<boolean> {
  const denied: Missing[] = [];
  await optional(
    query,
    denied,
    "cron.database_name",
    "SELECT pg_catalog.current_setting('cron.database_name', true)",
  );
  return denied.length > 0;
}

export async function readFacts(query: Query): Promise<Facts> {
  const [server] = await query<Omit<Facts, "extensions" | "installed">>(SERVER);
  return {
    ...server!,
    cron_loaded: server!.cron_loaded || (await hiddenCron(query)),
    extensions: await query<Extension>(EXTENSIONS),
    installed: await readInstalled(query),
  };
}
