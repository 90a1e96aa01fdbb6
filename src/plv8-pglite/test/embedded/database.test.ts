/**
 * Opening, using and closing an embedded database: memory, directory, snapshot, protocol, errors.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EmbeddedError, openEmbedded } from "../../index.ts";
import { testEmbedded } from "../support/database.ts";

const db = testEmbedded();
let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "plv8-pglite-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("an embedded database", () => {
  it(
    "is dumped; a directory made from that is kept from one opening to the next; closed it " +
      "refuses in words",
    async () => {
      await db.database.exec(
        `CREATE TABLE kept (v vector(2)); INSERT INTO kept VALUES ('[1,2]');
        CREATE FUNCTION five() RETURNS int LANGUAGE plv8 AS 'return 5'`,
      );
      const snapshot = await db.database.dumpDataDir();
      expect(snapshot.length).toBeLessThan(20_000_000);
      await db.database.exec("INSERT INTO kept VALUES ('[3,4]')");

      const dataDir = join(folder, "kept");
      const first = await openEmbedded({ dataDir, snapshot });
      expect(await first.query("SELECT v::text, five() FROM kept")).toEqual([
        { v: "[1,2]", five: 5 },
      ]);
      await first.exec("INSERT INTO kept VALUES ('[5,6]')");
      await Promise.all([first.close(), first.close()]);
      await expect(first.query("SELECT 1")).rejects.toThrow("the embedded database is closed");
      await first.close();

      const second = await openEmbedded({ dataDir });
      expect(await second.query("SELECT v::text, five() FROM kept ORDER BY 1")).toEqual([
        { v: "[1,2]", five: 5 },
        { v: "[5,6]", five: 5 },
      ]);
      await second.close();
    },
  );

  it("answers, refuses and tells, as pg does", async () => {
    const { database } = db;
    expect(
      await database.query("SELECT $1::int + 1 AS n, $2::jsonb AS j, NULL AS nothing", [
        1,
        { a: 1 },
      ]),
    ).toEqual([{ n: 2, j: { a: 1 }, nothing: null }]);
    await database.exec(
      "CREATE TABLE unique_one (id int PRIMARY KEY); INSERT INTO unique_one VALUES (1)",
    );
    const error = await database
      .query("INSERT INTO unique_one VALUES (1)")
      .catch((thrown: unknown) => thrown as EmbeddedError);
    expect(error).toBeInstanceOf(EmbeddedError);
    expect(error).toMatchObject({
      code: "23505",
      detail: "Key (id)=(1) already exists.",
      table: "unique_one",
      constraint: "unique_one_pkey",
      severity: "ERROR",
    });

    const seen: string[] = [];
    const stop = database.onNotice(({ severity, message, hint }) =>
      seen.push(`${severity} ${message} ${hint}`),
    );
    await database.exec("DO $$ BEGIN RAISE WARNING 'careful' USING HINT = 'look' ; END $$");
    stop();
    await database.exec("DO $$ BEGIN RAISE WARNING 'unheard'; END $$");
    expect(seen).toEqual(["WARNING careful look"]);

    // Query 'SELECT 41 + 1' of the simple protocol; the answer holds a DataRow with the text 42 and
    // ends with ReadyForQuery.
    const statement = Buffer.from("SELECT 41 + 1\0");
    const message = Buffer.alloc(5 + statement.length);
    message.write("Q");
    message.writeInt32BE(4 + statement.length, 1);
    statement.copy(message, 5);
    const answer = Buffer.from(await database.execProtocolRaw(message));
    expect(answer.includes(Buffer.from([0, 0, 0, 2, 0x34, 0x32]))).toBe(true);
    expect(answer.subarray(-6, -5).toString()).toBe("Z");
  });

  it("takes commands in the order they are given", async () => {
    const { database } = db;
    await database.exec("CREATE TABLE ordered (place serial, id int)");
    await Promise.all(
      Array.from({ length: 50 }, (_, id) =>
        database.query("INSERT INTO ordered (id) VALUES ($1)", [id]),
      ),
    );
    expect(
      await database.query("SELECT count(*)::int AS wrong FROM ordered WHERE place <> id + 1"),
    ).toEqual([{ wrong: 0 }]);
  });

  it("a snapshot that is none, and a directory that cannot be one, are refused", async () => {
    await expect(openEmbedded({ snapshot: new Uint8Array([1, 2, 3]) })).rejects.toThrow();
    await expect(openEmbedded({ dataDir: "/proc/version/no" })).rejects.toThrow();
  });

  it("has plv8 and pgvector as extensions, and no pg_cron", async () => {
    const { database } = db;
    expect(
      await database.query(
        "SELECT extname FROM pg_extension WHERE extname IN ('plv8', 'vector') ORDER BY 1",
      ),
    ).toEqual([{ extname: "plv8" }, { extname: "vector" }]);
    expect(
      await database.query("SELECT name FROM pg_available_extensions WHERE name = 'pg_cron'"),
    ).toEqual([]);
    await database.exec(
      "DROP EXTENSION plv8 CASCADE; CREATE EXTENSION plv8; DO LANGUAGE plv8 'plv8.elog(DEBUG1, 1)'",
    );
  });
});
