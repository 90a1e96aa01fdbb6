/** PGlite in this process, opened from the snapshot that has everything installed. */
import { readFile } from "node:fs/promises";
import { inject } from "vitest";
import { openEmbedded } from "../../src/plv8-pglite/index.ts";
import { clientOf, createTurns } from "../../src/plv8-pglite/wire/index.ts";
import { afterwards } from "./afterwards.ts";
import { asked, type TestDatabase } from "./database.ts";
import type {} from "./embedded-setup.ts";

export async function embeddedDatabase(): Promise<TestDatabase> {
  const database = await openEmbedded({
    snapshot: await readFile(inject("healingSnapshot")),
    worker: inject("embeddedWorker"),
  });
  const client = await clientOf({ database, turns: createTurns() });
  afterwards(async () => {
    await client.end();
    await database.close();
  });
  return {
    engine: { name: "embedded", language: "plv8", sessions: 1 },
    name: "postgres",
    client,
    get url(): string {
      throw new Error(
        "an embedded database has no address: ask db.engine first, or put the test into " +
          "test/server",
      );
    },
    connect: () =>
      Promise.reject(
        new Error(
          "an embedded database has one session: ask db.engine.sessions first, or put the " +
            "test into test/server",
        ),
      ),
    ...asked(client),
  };
}
