/**
 * Starts the throwaway server "test" and makes one template database with ruvector_healing
 * installed by the plain script; every test file clones it (a clone takes 0.1 s, an installation
 * 0.5 s).
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { build } from "../../../build/build.ts";
import { root } from "../../../build/project.ts";
import { chosen, wantedInWords } from "../../../src/workbench/db/language.ts";
import { ServerProblem, startServer } from "../../../src/workbench/db/server.ts";
import { SETTINGS } from "./settings.ts";

/**
 * Databases carry the number of the test run's process: runs beside each other leave each other
 * alone.
 */
const PREFIX = "ruvector_test";
const template = `${PREFIX}_${process.pid}_template`;

declare module "vitest" {
  interface ProvidedContext {
    serverUrl: string;
    template: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await build();
  const server = await startServer({
    name: process.env["RUVECTOR_HEALING_TEST_SERVER"] ?? "test",
    settings: SETTINGS,
    log: (line) => console.error(line),
  });
  const connected = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: server.url("postgres") });
    // A test that crashes the server fails by itself; the others, and the report, must not go down
    // with this session.
    client.on("error", () => undefined);
    await client.connect();
    return client;
  };
  const admin = await connected();
  const available = await admin.query<{ name: string }>("SELECT name FROM pg_available_extensions");
  const language = chosen(available.rows.map(({ name }) => name));
  if (language === undefined)
    throw new ServerProblem(
      `The server has no ${wantedInWords()}.`,
      "Install it there, or name another server.",
    );
  const left = await admin.query<{ datname: string }>(
    "SELECT datname FROM pg_database WHERE datname LIKE $1",
    [`${PREFIX}\\_%`],
  );
  for (const { datname } of left.rows)
    if (!runs(datname)) await admin.query(`DROP DATABASE IF EXISTS "${datname}" WITH (FORCE)`);
  // Never on a server of DATABASE_URL: its roles are somebody's.
  const ours = process.env["DATABASE_URL"] === undefined;
  if (ours && !left.rows.some(({ datname }) => runs(datname))) await dropRoles(admin);
  await admin.query(`CREATE DATABASE ${template}`);
  const installer = new pg.Client({ connectionString: server.url(template) });
  await installer.connect();
  await installer.query(`CREATE EXTENSION ${language}; CREATE EXTENSION vector;`);
  await installer.query(
    `BEGIN; ${await readFile(join(root, `dist/ruvector_healing.${language}.sql`), "utf8")}; ` +
      "COMMIT;",
  );
  await installer.end();
  project.provide("template", template);
  project.provide("serverUrl", server.url("postgres"));
  project.provide("engine", "server");
  project.provide("language", language);
  await admin.end();
  return async () => {
    const last = await connected();
    await last.query(`DROP DATABASE IF EXISTS ${template} WITH (FORCE)`);
    await last.end();
  };
}

/**
 * What a run left that was killed, or failed before it tidied up: the next one would find that its
 * roles are there already. Only on a throwaway server, and while no other run is on it: they belong
 * to all databases.
 */
async function dropRoles(admin: pg.Client): Promise<void> {
  const made = await admin.query<{ role: string }>(
    // 16384: the first OID that no role of initdb has.
    `SELECT quote_ident(rolname) AS role FROM pg_roles
     WHERE oid >= 16384 AND rolname <> CURRENT_USER`,
  );
  for (const { role } of made.rows)
    await admin
      .query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`)
      .catch((error: Error) => console.error(`The role ${role} stays: ${error.message}`));
}

/** Whether the process that made the database is still there. */
function runs(database: string): boolean {
  const pid = Number(/^ruvector_test_(\d+)_/.exec(database)?.[1]);
  try {
    return Number.isInteger(pid) && process.kill(pid, 0);
  } catch {
    return false;
  }
}
