/** The embedded database on a port: what a client sees, and what the next one finds. */
import { spawnSync } from "node:child_process";
import { connect } from "node:net";
import { readFile } from "node:fs/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTimer } from "../../src/workbench/embedded/timer.ts";
import { type EmbeddedDatabase, openEmbedded } from "../../src/plv8-pglite/index.ts";
import { createTurns, type Listening, listen } from "../../src/plv8-pglite/wire/index.ts";
import { raised } from "../support/database.ts";
import type {} from "../support/embedded-setup.ts";

const turns = createTurns();
let database: EmbeddedDatabase;
let listening: Listening;

beforeAll(async () => {
  listening = await listen(0, "secret");
  expect((await refused(listening.url)).code).toBe("57P03");
  database = await openEmbedded({ snapshot: await readFile(inject("healingSnapshot")) });
  listening.open({ database, turns });
});
afterAll(async () => {
  await listening?.close();
  await database?.close();
});

async function connected<T>(
  work: (client: pg.Client) => Promise<T>,
  options: pg.ClientConfig = {},
): Promise<T> {
  const client = new pg.Client({ connectionString: listening.url, ...options });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function refused(
  url: string,
): Promise<{ code: string; message: string; severity: string; hint: string }> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  return client.connect().then(
    () => Promise.reject(new Error("was let in")),
    (error) => error,
  );
}

const value = async (client: pg.Client, expression: string): Promise<unknown> =>
  (await client.query(`SELECT ${expression} AS v`)).rows[0].v;

describe("a client", () => {
  it("asks the healing functions, gets types, notices and errors as from a server", async () => {
    await connected(async (client) => {
      const notices: string[] = [];
      client.on("notice", ({ message }) => void notices.push(message ?? ""));
      expect(await value(client, "ruvector_healing_status()")).toMatchObject({
        enabled: true,
        collections: {},
      });
      expect(
        (
          await client.query("SELECT $1::int8 AS big, $2::text[] AS words, now() AS at", [
            "5",
            ["a", "b"],
          ])
        ).rows[0],
      ).toMatchObject({ big: "5", words: ["a", "b"], at: expect.any(Date) });
      await client.query("DO $$ BEGIN RAISE NOTICE 'seen'; END $$");
      expect(notices).toEqual(["seen"]);
      expect(await raised(client, "SELECT ruvector_healing_trigger('nope')")).toMatchObject({
        code: "RV002",
        hint: expect.stringContaining("register"),
      });
      expect(await value(client, "1")).toBe(1);
    });
  });

  it("gets the settings it asks for at the start, and leaves none behind", async () => {
    await connected(
      async (client) => {
        expect(await value(client, "current_setting('application_name')")).toBe("it's me");
        expect(await value(client, "current_setting('search_path')")).toBe("ruvector, public");
        await client.query(
          "CREATE TEMP TABLE left_behind (x int); BEGIN; CREATE TABLE half_done (x int)",
        );
      },
      { application_name: "it's me", options: "-c search_path=ruvector,\\ public" },
    );
    await connected(async (client) => {
      expect(
        await value(
          client,
          "to_regclass('left_behind') IS NULL AND to_regclass('half_done') IS NULL",
        ),
      ).toBe(true);
      expect(await value(client, "current_setting('application_name')")).toBe("");
      expect(await value(client, "now() = statement_timestamp()")).toBe(true);
    });
    const client = new pg.Client({
      connectionString: listening.url,
      options: "-c no_such_setting=1",
    });
    client.on("error", () => undefined);
    await expect(client.connect()).rejects.toThrow(/no_such_setting/);
  });

  it("is told that COPY FROM STDIN does not work, in a transaction too, and goes on", async () => {
    await connected(async (client) => {
      await client.query("BEGIN; CREATE TABLE copied (x int)");
      expect(await raised(client, "COPY copied FROM STDIN")).toMatchObject({
        code: "0A000",
        hint: expect.stringContaining("--server"),
      });
      expect(await raised(client, "SELECT 1")).toMatchObject({ code: "25P02" });
      await client.query("ROLLBACK");
      // The extended protocol.
      expect(await raised(client, "COPY pg_class FROM STDIN", [])).toMatchObject({ code: "0A000" });
      await expect(
        client.query({ text: "COPY pg_class FROM STDIN", values: [], name: "named" }),
      ).rejects.toMatchObject({ code: "0A000" });
      expect(await value(client, "2")).toBe(2);
    });
  });

  it("is let in with the password, as the one user, to the one database", async () => {
    const url = new URL(listening.url);
    url.password = "guess";
    expect(await refused(url.href)).toMatchObject({ severity: "FATAL", code: "28P01" });
    expect(await refused(listening.url.replace(/postgres$/, "other"))).toMatchObject({
      severity: "FATAL",
      code: "3D000",
      hint: expect.stringContaining("postgres"),
    });
    expect(await refused(listening.url.replace("//postgres", "//somebody"))).toMatchObject({
      severity: "FATAL",
      code: "28000",
    });
    expect(await connected((client) => value(client, "3"))).toBe(3);
  });

  it("that is not the first is refused, until the first has left", async () => {
    await connected(async (client) => {
      expect(await refused(listening.url)).toMatchObject({
        severity: "FATAL",
        code: "53300",
        hint: expect.stringContaining("--server"),
      });
      expect(await value(client, "4")).toBe(4);
    });
    expect(await connected((client) => value(client, "5"))).toBe(5);
  });

  it("that speaks no protocol, or dies in a transaction, harms nobody", async () => {
    const { port } = new URL(listening.url);
    for (const noise of [
      Buffer.from("GET / HTTP/1.1\r\n\r\n"),
      Buffer.alloc(64, 0xff),
      Buffer.alloc(0),
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), "127.0.0.1", () => socket.end(noise));
        socket.resume();
        socket.once("error", () => resolve());
        socket.once("close", () => resolve());
      });
    }
    const dying = new pg.Client({ connectionString: listening.url });
    dying.on("error", () => undefined);
    await dying.connect();
    await dying.query("BEGIN; CREATE TABLE dies (x int)");
    (
      dying as unknown as { connection: { stream: { destroy(): void } } }
    ).connection.stream.destroy();
    await expect
      .poll(() =>
        connected((client) => value(client, "to_regclass('dies') IS NULL")).catch(() => undefined),
      )
      .toBe(true);
  });
});

it("the loop ticks between statements, and waits for a transaction", async () => {
  const failures: string[] = [];
  await connected(async (client) => {
    const ticks = () =>
      value(client, "(SELECT ticks::int FROM ruvector.healing_ticks)") as Promise<number>;
    const before = await ticks();
    const timer = startTimer({ database, turns }, 0.05, (message) => void failures.push(message));
    try {
      await expect.poll(ticks).toBeGreaterThan(before + 2);
      await client.query("BEGIN");
      const held = await ticks();
      await client.query("SELECT pg_sleep(0.3)");
      expect(await ticks()).toBe(held);
      await client.query("COMMIT");
      await expect.poll(ticks).toBeGreaterThan(held);
    } finally {
      await timer.stop();
    }
  });
  expect(failures).toEqual([]);
});

const psql = spawnSync("psql", ["--version"]).status === 0;
it.skipIf(!psql)("psql connects, describes tables and copies out", async () => {
  const { execa } = await import("execa");
  const ran = await execa("psql", [listening.url, "-X", "-At", "-v", "ON_ERROR_STOP=1"], {
    input:
      "SELECT ruvector_healing_status() ->> 'enabled';\nCREATE TABLE seen (x int);\n\\d " +
      "seen\nINSERT INTO seen VALUES (7);\n\\copy seen to stdout\nDROP TABLE seen;\n",
    reject: false,
  });
  expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
  expect(ran.stdout.split("\n")).toEqual(expect.arrayContaining(["true", "x|integer|||", "7"]));
});
