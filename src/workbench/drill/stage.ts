/**
 * Where drills happen: a schema of their own, on a throwaway server or on somebody's staging
 * server. There, ruvector_healing is used as it is installed, its other collections are left alone,
 * and a loop that is already scheduled stays as it is.
 */
import pg from "pg";
import { languageOf } from "../db/language.ts";
import { type Server, ServerProblem } from "../db/server.ts";
import { installScript } from "../project.ts";

const SCHEMA = "ruvector_drill";
const MARK = "Made by npm run drill of ruvector_healing; it drops this schema when it ends.";

export async function connectTo(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  // A connection that a drill kills must not end this process.
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** Two drills at once would see each other's faults; the lock ends with the connection. */
export async function alone(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ mine: boolean }>(
    "SELECT pg_try_advisory_lock(hashtext('ruvector_healing drill')) AS mine",
  );
  if (!rows[0]?.mine)
    throw new ServerProblem(
      "Another drill is running on this server.",
      "Wait until it ends, or stop it with Ctrl-C.",
    );
}

/**
 * Installs on a throwaway server what this checkout builds; on somebody's own server, only where
 * nothing is installed.
 */
export async function install(client: pg.Client, server: Server): Promise<void> {
  const language = await languageOf(client);
  const { rows } = await client.query<{ cron: boolean; installed: boolean }>(`
    SELECT EXISTS (SELECT FROM pg_extension
      WHERE extname = 'pg_cron') AS cron, to_regnamespace('ruvector') IS NOT NULL AS installed`);
  const found = rows[0]!;
  if (!found.cron)
    throw new ServerProblem(
      "pg_cron is not installed in this database, and it is what runs the loop.",
      "CREATE EXTENSION pg_cron;",
    );
  if (server.kind === "external" && found.installed) return;
  const script = await installScript(language);
  if (server.kind !== "external") {
    await client.query(
      "SELECT cron.unschedule(jobid) FROM cron.job WHERE database = current_database()",
    );
    await client.query(`DROP SCHEMA IF EXISTS ${SCHEMA} CASCADE`);
    await client.query("DROP SCHEMA IF EXISTS ruvector CASCADE");
  }
  await client.query(`BEGIN; ${script}; COMMIT`);
}

/** An empty schema for one drill. */
export async function freshSchema(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ mark: string | null }>(
    "SELECT obj_description(to_regnamespace($1)::oid, 'pg_namespace') AS mark WHERE " +
      "to_regnamespace($1) IS NOT NULL",
    [SCHEMA],
  );
  if (rows[0] && rows[0].mark !== MARK) {
    throw new ServerProblem(
      `This database has a schema ${SCHEMA} that no drill made.`,
      `Rename or drop it: drills use that name.`,
    );
  }
  await dropSchema(client);
  await client.query(`CREATE SCHEMA ${SCHEMA}`);
  await client.query(`COMMENT ON SCHEMA ${SCHEMA} IS '${MARK}'`);
}

/** Unregisters what is in the drills' schema, then drops it. */
export async function dropSchema(client: pg.Client): Promise<void> {
  await client.query("SET client_min_messages = warning");
  const { rows } = await client.query<{ name: string }>(
    "SELECT format('%I.%I', schema_name, table_name) AS name FROM ruvector.collections WHERE " +
      "schema_name = $1",
    [SCHEMA],
  );
  for (const { name } of rows) {
    await endActions(client, name);
    await client.query("SELECT ruvector_healing_unregister($1)", [name]);
    // Weights are made of everybody's outcomes: a drill's must not be among them.
    await client.query("DELETE FROM ruvector.healing_outcomes WHERE collection = $1", [name]);
  }
  await client.query(`DROP SCHEMA IF EXISTS ${SCHEMA} CASCADE`);
  await client.query("RESET client_min_messages");
}

/**
 * An action that is still at work is stopped and undone; its ticks are driven from here where no
 * pg_cron does.
 */
async function endActions(client: pg.Client, name: string): Promise<void> {
  const active = () =>
    client.query<{ id: string; state: string }>(
      "SELECT action_id::text AS id, state FROM ruvector_healing_history(limit_ := 1000) " +
        "WHERE collection = $1 AND state IN ('planned', 'awaiting_approval', 'executing', " +
        "'stabilizing', 'rolling_back')",
      [name],
    );
  const [first] = (await active()).rows;
  if (first === undefined) return;
  if (first.state !== "rolling_back")
    await client.query("SELECT ruvector_healing_abort($1)", [first.id]);
  for (
    const began = Date.now();
    (await active()).rows.length > 0 && Date.now() - began < 120_000;
  ) {
    await client.query("CALL ruvector_healing_tick()");
  }
}

export const tableName = (drill: string): string => `${SCHEMA}.${drill.replaceAll("-", "_")}`;

/** Schedules the loop unless it runs already. Returns what takes the schedule away again. */
export async function runLoop(
  client: pg.Client,
  seconds: number,
): Promise<{ schedule: string; stop: () => Promise<void> }> {
  const { rows } = await client.query<{ schedule: string }>(
    "SELECT schedule FROM cron.job WHERE jobname LIKE 'ruvector\\_healing\\_tick%' " +
      "AND database = current_database() AND active",
  );
  if (rows[0]) return { schedule: rows[0].schedule, stop: async () => undefined };
  const made = await client.query<{ schedule: string }>(
    "SELECT ruvector_healing_schedule(make_interval(secs => $1)) ->> 'schedule' AS schedule",
    [seconds],
  );
  return {
    schedule: made.rows[0]?.schedule ?? "",
    stop: async () => void (await client.query("SELECT ruvector_healing_unschedule()")),
  };
}
