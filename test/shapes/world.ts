/**
 * Where the shapes live: a server of their own with the product installed, each shape in a schema
 * of its name, registered as a new user would.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { root } from "../../build/project.ts";
import { type Server, startServer } from "../../src/workbench/db/server.ts";
import type { Shape } from "./shape.ts";

export interface Place {
  readonly shape: Shape;
  readonly schema: string;
  /** As the product calls it, `schema.table`; null: it was refused, or could not be made here. */
  readonly name: string | null;
  readonly id: number | null;
  /** Why it is not there. */
  readonly absent: string | null;
  /** Rows after the load. */
  readonly rows: number;
}

export interface World {
  readonly server: Server;
  /** Runs the workload and the ticks. */
  readonly client: pg.Client;
  readonly places: readonly Place[];
  connect(): Promise<pg.Client>;
  close(): Promise<void>;
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** The session works in a shape's schema, as its application would. */
export const enter = (client: pg.Client, { schema }: Pick<Place, "schema">): Promise<unknown> =>
  client.query(`SET search_path = ${quoted(schema)}, public`);

export async function makeWorld({
  name,
  shapes,
  replicas,
  log,
}: {
  name: string;
  shapes: readonly Shape[];
  replicas: number;
  log: (line: string) => void;
}): Promise<World> {
  const server = await startServer({ name, fresh: true, replicas, log });
  const clients: pg.Client[] = [];
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: server.url() });
    client.on("error", () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  const client = await connect();
  const language = (
    await client.query<{ name: string }>(
      "SELECT extname AS name FROM pg_extension WHERE extname IN ('pljs', 'plv8')",
    )
  ).rows[0]!.name;
  await client.query(
    `BEGIN; ${await readFile(join(root, `dist/ruvector_healing.${language}.sql`), "utf8")}; ` +
      "COMMIT;",
  );
  await client.query(await readFile(join(root, "test/shapes/helpers.sql"), "utf8"));
  // A new collection is only watched at first, and the day is to see what the loop would do.
  await client.query(
    `SELECT ruvector_healing_configure(jsonb_object_agg(key, 0)) FROM ruvector_healing_config()
      WHERE key IN ('settle_seconds', 'settle_samples') HAVING count(*) > 0`,
  );
  // Jobs that nobody misses and that fail, as on every server that has been there for years.
  await client.query(
    `SELECT cron.schedule('forgotten ' || g, '* * * * *', 'SELECT * FROM dropped_long_ago')
      FROM generate_series(1, 12) g`,
  );
  const places: Place[] = [];
  for (const shape of shapes) places.push(await makePlace(client, shape));
  await client.query("RESET search_path");
  return {
    server,
    client,
    places,
    connect,
    close: async () => {
      await Promise.allSettled(clients.map((one) => one.end()));
      await server.destroy();
    },
  };
}

async function makePlace(client: pg.Client, shape: Shape): Promise<Place> {
  const schema = shape.name.replaceAll("-", "_");
  const absent = (why: string): Place => ({
    shape,
    schema,
    name: null,
    id: null,
    absent: why,
    rows: 0,
  });
  if (shape.needs !== null) {
    const { rows } = await client.query("SELECT FROM pg_available_extensions WHERE name = $1", [
      shape.needs,
    ]);
    if (rows.length === 0) return absent(`extension ${shape.needs} is not on this server`);
    const own = shape.needs.replace(/^pg_/, "");
    await client.query(
      `CREATE SCHEMA IF NOT EXISTS ${own};
        CREATE EXTENSION IF NOT EXISTS ${shape.needs} SCHEMA ${own}`,
    );
  }
  await client.query(`CREATE SCHEMA ${quoted(schema)}`);
  await enter(client, { schema });
  for (const statement of [...shape.tables, ...shape.load])
    await client.query(statement).catch((error: unknown) => failed(shape, statement, error));
  const {
    rows: [counted],
  } = await client.query<{ rows: number }>(`SELECT count(*)::int AS rows FROM ${shape.collection}`);
  try {
    await client.query("SELECT ruvector_healing_register($1, $2)", [
      `${quoted(schema)}.${shape.collection}`,
      JSON.stringify(shape.options),
    ]);
    if (shape.refused !== null)
      throw new Error(
        `${shape.name}: registration is no longer refused: take the line out of its head`,
      );
    const {
      rows: [registered],
    } = await client.query<{ name: string; id: number }>(
      `
      SELECT format('%I.%I', schema_name, table_name) AS name, collection_id AS id
        FROM ruvector.collections WHERE relid = $1::regclass`,
      [shape.collection],
    );
    return {
      shape,
      schema,
      name: registered!.name,
      id: registered!.id,
      absent: null,
      rows: counted!.rows,
    };
  } catch (error) {
    const { code, message } = error as pg.DatabaseError;
    if (shape.refused === null || code !== shape.refused) throw error;
    return { ...absent(message), rows: counted!.rows };
  }
}

export function failed(shape: Shape, statement: string, error: unknown): never {
  throw new Error(`${shape.name}: ${(error as Error).message}, in: ${statement.slice(0, 300)}`, {
    cause: error,
  });
}
