/**
 * The throwaway server itself: instances side by side, stopped, killed and started again, by
 * library and command line.
 */
import { join } from "node:path";
import { execa } from "execa";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { root } from "../../build/project.ts";
import { startServer, type Server } from "../../src/workbench/db/server.ts";

const external = (process.env["DATABASE_URL"] ?? "") !== "";
/** Names of this run's own, so that runs beside each other leave each other alone. */
const name = (which: string): string => `cli-${process.pid}-${which}`;

async function ask<T>(server: Server, statement: string): Promise<T> {
  const client = new pg.Client({ connectionString: server.url() });
  await client.connect();
  try {
    const { rows } = await client.query({ text: statement, rowMode: "array" });
    return rows[0]?.[0] as T;
  } finally {
    await client.end();
  }
}

const db = (command: string, which: string, ...args: string[]) =>
  execa(
    process.execPath,
    ["--import", "tsx", "src/workbench/db/main.ts", command, "--name", name(which), ...args],
    {
      cwd: root,
      reject: false,
      env: { NO_COLOR: "1" },
    },
  );

describe.skipIf(external)("a throwaway server", () => {
  let one: Server;
  let two: Server;

  beforeAll(async () => {
    [one, two] = await Promise.all([
      startServer({ name: name("one") }),
      startServer({ name: name("two"), settings: { fsync: "off" } }),
    ]);
  });

  afterAll(async () => {
    await Promise.all([one, two].map((server) => server?.destroy()));
  });

  test("has the database and the extensions", async () => {
    expect(one.canKill).toBe(true);
    expect(await ask(one, "SELECT current_database()")).toBe("ruvector");
    expect(
      await ask(
        one,
        `SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension
          WHERE extname <> 'plpgsql'`,
      ),
    ).toBe(`pg_cron ${inject("language")} vector`);
    expect(await ask(one, "SHOW fsync")).toBe("on");
    expect(await ask(one, "SHOW TimeZone")).toBe("UTC");
    expect(
      await ask(
        one,
        "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'ruvector'",
      ),
    ).toBe("UTF8");
  });

  test("runs pg_cron jobs", async () => {
    await ask(one, "SELECT cron.schedule('tick', '1 second', 'SELECT 1')");
    await expect
      .poll(() =>
        ask(one, "SELECT count(*)::int FROM cron.job_run_details WHERE status = 'succeeded'"),
      )
      .toBeGreaterThan(0);
    await ask(one, "SELECT cron.unschedule('tick')");
  });

  test("stands beside another, with a port, data and settings of its own", async () => {
    expect(new URL(one.url()).port).not.toBe(new URL(two.url()).port);
    expect(new URL(one.url()).hostname).toBe("127.0.0.1");
    await ask(two, "CREATE TABLE only_here ()");
    expect(await ask(one, "SELECT to_regclass('only_here')::text")).toBeNull();
    expect(await ask(two, "SHOW fsync")).toBe("off");
  });

  test("starting it again changes nothing", async () => {
    const before = await ask<Date>(one, "SELECT pg_postmaster_start_time()");
    const again = await startServer({ name: one.name });
    expect(again.url()).toBe(one.url());
    expect(await ask<Date>(again, "SELECT pg_postmaster_start_time()")).toEqual(before);
  });

  test("comes back from kill -9 with what was committed, at the same address", async () => {
    await ask(one, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id");
    const victim = new pg.Client({ connectionString: one.url() });
    const lost = new Promise((resolve) => victim.on("error", resolve));
    await victim.connect();
    await victim.query("BEGIN; INSERT INTO kept VALUES (1001)");
    const url = one.url();
    await one.kill9();
    await lost;
    await expect(ask(one, "SELECT 1")).rejects.toThrow();
    await one.restart();
    expect(one.url()).toBe(url);
    expect(await ask(one, "SELECT count(*)::int FROM kept")).toBe(1000);
    expect(await ask(two, "SELECT 1")).toBe(1);
  });

  test("two starts at once after a kill make one server", async () => {
    await one.kill9();
    const [first, second] = await Promise.all([
      startServer({ name: one.name }),
      startServer({ name: one.name }),
    ]);
    expect(first.url()).toBe(second.url());
    expect(await ask(first, "SELECT count(*)::int FROM kept")).toBe(1000);
  });

  test("the command line shows, stops, starts and asks it", async () => {
    const up = await db("status", "one");
    expect(up.stdout).toMatch(/^running/);
    expect(up.stdout).toContain(one.url());
    const version = (await ask<string>(one, "SHOW server_version")).split(" ")[0]!;
    expect(up.stdout).toContain(`PostgreSQL ${version}`);
    expect(up.stdout).toMatch(new RegExp(`pg_cron .*${inject("language")} .*vector `));

    expect((await db("stop", "one")).exitCode).toBe(0);
    const down = await db("status", "one");
    expect(down.stdout).toMatch(/^stopped/);
    expect(down.exitCode).toBe(3);
    const url = await db("url", "one");
    expect(url.exitCode).toBe(1);
    expect(url.stderr).toContain(`npm run db -- start --name ${one.name}`);

    expect((await db("start", "one")).exitCode).toBe(0);
    const asked = await db("psql", "one", "--", "-XAtc", "SELECT count(*) FROM kept");
    expect(asked.stdout).toBe("1000");
    expect((await db("psql", "one", "--", "-XAtc", "SELECT 1 / 0")).exitCode).not.toBe(0);
  });

  test("reset leaves an empty one, destroy none", async () => {
    expect((await db("reset", "two")).exitCode).toBe(0);
    two = await startServer({ name: two.name });
    expect(await ask(two, "SELECT to_regclass('only_here')::text")).toBeNull();
    expect((await db("destroy", "two")).exitCode).toBe(0);
    expect((await db("status", "two")).exitCode).toBe(3);
  });

  test("refuses names that would not do for a folder or a container", async () => {
    await expect(startServer({ name: "../other" })).rejects.toThrow(/cannot name a server/);
  });
});

describe("a server of DATABASE_URL", () => {
  const outside = (url: string, ...args: string[]) =>
    execa(process.execPath, ["--import", "tsx", join(root, "src/workbench/db/main.ts"), ...args], {
      reject: false,
      env: {
        NO_COLOR: "1",
        DATABASE_URL: url,
        RUVECTOR_HEALING_ROOT: "",
        RUVECTOR_HEALING_BINDIR: "",
        RUVECTOR_HEALING_PG_VERSION: "",
      },
    });

  test("is never stopped or emptied, and its password is not shown", async () => {
    for (const command of ["stop", "reset", "destroy"]) {
      const refused = await outside("postgresql://somebody:secret@127.0.0.1:9/x", command);
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toContain("DATABASE_URL");
      expect(refused.stderr).not.toContain("secret");
    }
  });

  test("that does not answer is named", async () => {
    const failed = await outside("postgresql://somebody@127.0.0.1:9/x", "start");
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toContain("does not answer");
  });
});
