/** A database of the real server, cloned from the template. */
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { inject } from "vitest";
import type {} from "../server/support/global-setup.ts";
import { afterwards } from "./afterwards.ts";
import { asked, type Engine, type TestDatabase } from "./database.ts";

export function databaseUrl(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

/** The engine of the project "server". */
export const serverEngine = (): Engine => ({
  name: "server",
  language: inject("language"),
  sessions: Infinity,
});

export async function serverDatabase(): Promise<TestDatabase> {
  const server = inject("serverUrl");
  const template = inject("template");
  const name = template.replace(/template$/, randomBytes(6).toString("hex"));
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  await admin.query(`CREATE DATABASE "${name}" TEMPLATE ${template}`);
  await admin.end();
  const url = databaseUrl(server, name);
  const clients: pg.Client[] = [];
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: url });
    // A backend that a test kills must not end the test process.
    client.on("error", () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  afterwards(async () => {
    // One that a failed test left in a statement that waits ends with the database.
    await Promise.race([Promise.allSettled(clients.map((client) => client.end())), pause(5000)]);
    const last = new pg.Client({ connectionString: server });
    await last.connect();
    await last.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
    await last.end();
  });
  const client = await connect();
  return { engine: serverEngine(), name, url, client, connect, ...asked(client) };
}
