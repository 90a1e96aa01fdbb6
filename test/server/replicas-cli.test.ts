/**
 * Replicas of the throwaway server: real streaming replicas, kept, killed, slowed down, made anew,
 * removed.
 */
import { execa } from "execa";
import pg from "pg";
import { beforeAll, describe, expect, test } from "vitest";
import { root } from "../../build/project.ts";
import { type Server, startServer } from "../../src/workbench/db/server.ts";
import { slowLink } from "../../src/workbench/db/slow-link.ts";
import {
  becomes,
  caughtUp,
  followThrough,
  replicasPossible,
  serverWithReplicas,
  session,
  valueOf,
} from "./support/replicas.ts";

const possible = await replicasPossible();

async function ask<T>(url: string, statement: string): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await valueOf<T>(client, statement);
  } finally {
    await client.end();
  }
}

describe.skipIf(!possible)("a server with replicas", () => {
  let server: Server;

  beforeAll(async () => {
    server = await serverWithReplicas("replicas", 2);
  });

  const db = (command: string, ...args: string[]) =>
    execa(
      process.execPath,
      ["--import", "tsx", "src/workbench/db/main.ts", command, "--name", server.name, ...args],
      {
        cwd: root,
        reject: false,
        env: { NO_COLOR: "1" },
      },
    );

  test("has hot standbys that follow it through a slot of their own", async () => {
    expect(server.replicas.map(({ name }) => name)).toEqual(["replica1", "replica2"]);
    const primary = await session(server);
    await primary.query("CREATE TABLE there AS SELECT generate_series(1, 1000) AS id");
    for (const replica of server.replicas) {
      await caughtUp(primary, replica.name);
      expect(await ask(replica.url(), "SELECT count(*)::int FROM there")).toBe(1000);
      expect(await ask(replica.url(), "SELECT pg_is_in_recovery()")).toBe(true);
    }
    expect(
      await valueOf(
        primary,
        "SELECT string_agg(slot_name || active, ' ' ORDER BY slot_name) FROM pg_replication_slots",
      ),
    ).toBe("replica1true replica2true");
  });

  test("gets them back after kill -9 of all, at the same addresses", async () => {
    const urls = server.replicas.map((replica) => replica.url());
    await server.kill9();
    for (const url of urls) await expect(ask(url, "SELECT 1")).rejects.toThrow();
    await server.restart();
    expect(server.replicas.map((replica) => replica.url())).toEqual(urls);
    const primary = await session(server);
    await primary.query("INSERT INTO there SELECT generate_series(1001, 2000)");
    await caughtUp(primary, "replica2");
    expect(await ask(server.replicas[1]!.url(), "SELECT count(*)::int FROM there")).toBe(2000);
  });

  test("one of them alone is killed, stopped and started", async () => {
    const [first, second] = server.replicas;
    const primary = await session(server);
    await first!.kill9();
    await expect(ask(first!.url(), "SELECT 1")).rejects.toThrow();
    expect(await ask(second!.url(), "SELECT 1")).toBe(1);
    await becomes(
      primary,
      "SELECT active FROM pg_replication_slots WHERE slot_name = 'replica1'",
      false,
    );
    await first!.restart();
    await caughtUp(primary, "replica1");
  });

  test("a slow link holds one back, and lets go", async () => {
    const [first] = server.replicas;
    const primary = await session(server);
    const link = await slowLink(Number(new URL(server.url()).port));
    try {
      await followThrough(link, primary, first!, "replica1");
      link.limit(2000);
      await primary.query("INSERT INTO there SELECT generate_series(1, 20000)");
      await caughtUp(primary, "replica2");
      // 20,000 rows are more than a megabyte of WAL: at 2,000 bytes a second it is there in ten
      // minutes.
      expect(
        await valueOf(
          primary,
          "SELECT pg_current_wal_flush_lsn() - replay_lsn > 500000 FROM pg_stat_replication " +
            "WHERE application_name = 'replica1'",
        ),
      ).toBe(true);
      link.limit(null);
      await caughtUp(primary, "replica1");
      expect(link.passed()).toBeGreaterThan(500_000);
    } finally {
      await link.close();
    }
    await first!.follow();
    await caughtUp(primary, "replica1");
  });

  test("other settings reach them too", async () => {
    await startServer({ name: server.name, settings: { max_connections: "120" } });
    expect(await ask(server.url(), "SHOW max_connections")).toBe("120");
    expect(await ask(server.replicas[0]!.url(), "SHOW max_connections")).toBe("120");
  });

  test("the command line shows and asks them", async () => {
    const { stdout } = await db("status");
    expect(stdout).toMatch(/replica1 +postgresql:\S+ {2}(streaming|not connected)/);
    expect((await db("url", "--replica", "2")).stdout).toBe(server.replicas[1]!.url());
    const unknown = await db("url", "--replica", "3");
    expect(unknown.exitCode).toBe(1);
    expect(unknown.stderr).toContain("it has replica1, replica2");
    expect((await db("start", "--replicas", "many")).exitCode).not.toBe(0);
  });

  test("fewer are asked for: the others go, with their slots", async () => {
    expect((await db("start", "--replicas", "1")).exitCode).toBe(0);
    const primary = await session(server);
    expect(
      await valueOf(primary, "SELECT string_agg(slot_name, ' ') FROM pg_replication_slots"),
    ).toBe("replica1");
    // Without the option it stays so.
    const again = await startServer({ name: server.name });
    expect(again.replicas.map(({ name }) => name)).toEqual(["replica1"]);
    await caughtUp(primary, "replica1");
  });
});
