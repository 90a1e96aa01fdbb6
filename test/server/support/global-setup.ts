/**
 * Starts the throwaway server "test" and makes one template database with ruvector_healing installed by the plain
 * script; every test file clones it (a clone takes 0.1 s, an installation 0.5 s).
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { build } from "../../../build/build.ts";
import { root } from "../../../build/project.ts";
import { startServer } from "../../../src/cli/db/server.ts";

export const TEMPLATE = "ruvector_test_template";

declare module "vitest" {
  interface ProvidedContext {
    serverUrl: string;
    language: string;
  }
}

export default async function setup(project: TestProject): Promise<void> {
  await build();
  const server = await startServer({ name: "test", log: (line) => console.error(line) });
  const admin = new pg.Client({ connectionString: server.url("postgres") });
  await admin.connect();
  const available = await admin.query<{ name: string }>("SELECT name FROM pg_available_extensions WHERE name IN ('pljs', 'plv8')");
  const language = process.env["RUVECTOR_HEALING_LANGUAGE"] ?? (available.rows.some(({ name }) => name === "pljs") ? "pljs" : "plv8");
  // Databases of test files that were killed.
  const left = await admin.query<{ datname: string }>("SELECT datname FROM pg_database WHERE datname LIKE 'ruvector\\_test\\_%'");
  for (const { datname } of left.rows) await admin.query(`DROP DATABASE "${datname}" WITH (FORCE)`);
  await admin.query(`CREATE DATABASE ${TEMPLATE}`);
  await admin.end();
  const template = new pg.Client({ connectionString: server.url(TEMPLATE) });
  await template.connect();
  await template.query(`CREATE EXTENSION ${language}; CREATE EXTENSION vector;`);
  await template.query(`BEGIN; ${await readFile(join(root, `dist/ruvector_healing.${language}.sql`), "utf8")}; COMMIT;`);
  await template.end();
  project.provide("serverUrl", server.url("postgres"));
  project.provide("language", language);
}
