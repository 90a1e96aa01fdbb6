/**
 * Roles that log in for real, with the level they are given and nothing else; and what an attack
 * does: hold a transaction open, look for a text.
 */
import pg from "pg";
import { asked, type TestDatabase } from "../../support/database.ts";

export interface Role {
  readonly name: string;
  /** A session of its own, logged in as the role. */
  connect(): Promise<pg.Client>;
}

export interface Cast {
  /** @param level of ruvector_healing_grant; undefined: it may connect, and nothing more */
  role(name: string, level?: string, tenant?: string): Promise<Role>;
  /** Sessions end, roles and what they own go. */
  end(): Promise<void>;
}

export function cast(db: TestDatabase): Cast {
  const made: string[] = [];
  const clients: pg.Client[] = [];
  return {
    async role(short, level, tenant) {
      const name = `ruvector_${db.name.replace(/\W/g, "").slice(-12)}_${process.pid}_${short}`;
      await db.client.query(`CREATE ROLE ${name} LOGIN`);
      made.push(name);
      if (level !== undefined)
        await db.client.query("SELECT ruvector_healing_grant($1, $2, $3)", [
          name,
          level,
          tenant ?? null,
        ]);
      const url = new URL(db.url);
      url.username = name;
      return {
        name,
        connect: async () => {
          const client = new pg.Client({ connectionString: url.href });
          client.on("error", () => undefined);
          await client.connect();
          clients.push(client);
          return client;
        },
      };
    },
    async end() {
      await Promise.allSettled(clients.map((client) => client.end()));
      for (const name of made)
        await db.client.query(`DROP OWNED BY ${name} CASCADE; DROP ROLE ${name}`);
    },
  };
}

/**
 * What the loop does meanwhile, in a session of its own: the tick must come back, and have come to
 * the collection.
 */
export async function ticksOn(
  db: TestDatabase,
  collection: string,
  seconds = 60,
): Promise<{ readonly ticked: boolean; readonly sampled: boolean }> {
  const samples = () =>
    db.value<number>(
      `SELECT count(*)::int
        FROM ruvector.integrity_samples JOIN ruvector.collections c USING (collection_id)
        WHERE c.table_name = $1`,
      [collection],
    );
  const before = await samples();
  const session = await db.connect();
  const tick = session.query("CALL ruvector.healing_tick()").then(
    () => true,
    () => false,
  );
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>(
    (resolve) => (timer = setTimeout(() => resolve(false), seconds * 1000)),
  );
  const ticked = await Promise.race([tick, late]);
  clearTimeout(timer);
  return { ticked, sampled: (await samples()) > before };
}

/** Everything that a role may read of the loop, in one text; what it may not call is left out. */
export async function readable(client: pg.Client, collection: string): Promise<string> {
  const { value } = asked(client);
  const name = collection.replaceAll("'", "''");
  const texts: string[] = [];
  for (const statement of [
    "SELECT ruvector_healing_status()::text",
    `SELECT ruvector_healing_status('${name}')::text`,
    "SELECT json_agg(h)::text FROM ruvector_healing_history() h",
    "SELECT json_agg(h)::text FROM ruvector_healing_decisions() h",
    "SELECT json_agg(e)::text FROM ruvector_healing_effectiveness() e",
    "SELECT json_agg(v)::text FROM ruvector_healing_verdict() v",
    "SELECT json_agg(s)::text FROM ruvector_integrity_status() s",
    "SELECT json_agg(i)::text FROM ruvector_integrity_history() i",
    "SELECT json_agg(f)::text FROM ruvector_healing_forecasts() f",
    "SELECT json_agg(o)::text FROM ruvector_healing_list_occupancy() o",
    `SELECT ruvector_healing_explain('${name}')`,
    "SELECT string_agg(ruvector_healing_explain(h.action_id), '') FROM " +
      "ruvector_healing_history() h",
    "SELECT ruvector_healing_metrics()",
    "SELECT ruvector_healing_breaker()::text",
    "SELECT ruvector_healing_verify_audit()::text",
    `SELECT ruvector_contracted_graph('${name}')::text`,
    `SELECT ruvector_integrity_gate('${name}', 'insert')::text`,
    "SELECT json_agg(c)::text FROM ruvector_healing_config() c",
  ]) {
    texts.push(
      await value<string | null>(statement).then(
        (text) => text ?? "",
        (error: pg.DatabaseError) => {
          if (error.code !== "42501") throw error;
          return "";
        },
      ),
    );
  }
  return texts.join("\n");
}
