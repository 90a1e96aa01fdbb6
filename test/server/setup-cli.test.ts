/**
 * ruvector-healing install, doctor, upgrade, uninstall, and what an operator orders, as processes
 * on a database in which nothing is installed.
 */
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import pg from "pg";
import { beforeAll, expect, inject, it } from "vitest";
import { root } from "../../build/project.ts";
import { afterwards } from "../support/afterwards.ts";
import { bundledCommands } from "../support/bundled-commands.ts";
import { HOT, makeTable } from "./support/collection.ts";
import { asked } from "../support/database.ts";
import { databaseUrl, type TestDatabase, testDatabase } from "./support/database.ts";

let db: TestDatabase;
/** Nothing is installed here, extensions neither. */
let bare: TestDatabase;
let url: string;

/** By DATABASE_URL alone: no command line names the database. */
async function cli(
  ...words: string[]
): Promise<{ readonly out: string; readonly err: string; readonly exit: number | undefined }> {
  const { stdout, stderr, exitCode } = await execa(
    process.execPath,
    [await bundledCommands(), ...words],
    { reject: false, env: { DATABASE_URL: url, PGDATABASE: "not_this_one" } },
  );
  return { out: stdout, err: stderr, exit: exitCode };
}

beforeAll(async () => {
  db = await testDatabase();
  const name = `${db.name}_bare`;
  await db.client.query(`CREATE DATABASE "${name}" TEMPLATE template0`);
  url = databaseUrl(db.url, name);
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  afterwards(async () => {
    await client.end();
    const last = new pg.Client({ connectionString: inject("serverUrl") });
    await last.connect();
    await last.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
    await last.end();
  });
  bare = { ...db, name, url, client, ...asked(client) };
  // Where the published package has its scripts: beside the commands.
  const scripts = join(dirname(dirname(await bundledCommands())), "sql");
  await mkdir(scripts, { recursive: true });
  for (const language of ["plv8", "pljs"])
    await copyFile(
      join(root, `dist/ruvector_healing.${language}.sql`),
      join(scripts, `ruvector_healing.${language}.sql`),
    );
});

it("doctor says what a bare database lacks; a dry run and an upgrade change nothing", async () => {
  const { out, exit } = await cli("doctor");
  expect(exit).toBe(3);
  expect(out).toMatch(/no JavaScript language in this database\n +CREATE EXTENSION \w+;/);
  expect(out).toMatch(/no pgvector in this database\n +CREATE EXTENSION vector;/);
  expect(out).toMatch(/not installed here\n +npx ruvector-healing install/);
  // Typed as it is printed it is for the database that was asked.
  expect((await cli("doctor", url)).out).toContain(`npx ruvector-healing install -d ${url}`);
  expect((await cli("install", "--dry-run")).out).toContain("would: CREATE EXTENSION vector;");
  expect(await cli("upgrade")).toMatchObject({
    err: expect.stringMatching(/not installed here[^]*ruvector-healing install/),
    exit: 1,
  });
  expect(await bare.value("SELECT to_regnamespace('ruvector') IS NULL")).toBe(true);
  expect(await bare.value("SELECT count(*)::int FROM pg_extension")).toBe(1);
  const kept = await cli("install", "--no-extensions");
  expect(kept).toMatchObject({ exit: 1, err: expect.stringContaining("nothing was changed") });
  expect(kept.err).toContain("CREATE EXTENSION vector;");
});

it("install that is refused leaves nothing behind, extensions neither", async () => {
  await bare.client.query("CREATE SCHEMA ruvector CREATE TABLE mine ()");
  expect(await cli("install")).toMatchObject({
    exit: 1,
    err: expect.stringMatching(/schema ruvector is there[^]*ALTER SCHEMA ruvector RENAME/),
  });
  expect(await bare.value("SELECT count(*)::int FROM pg_extension")).toBe(1);
  // Nor is somebody's own schema of that name taken for an installation.
  expect(await cli("uninstall", "--yes")).toMatchObject({
    exit: 0,
    out: expect.stringContaining("is not installed in"),
  });
  await bare.client.query("DROP SCHEMA ruvector CASCADE");
});

it("install, twice, and upgrade; then doctor finds only what a person has to decide", async () => {
  const { out, exit } = await cli("install");
  expect(exit).toBe(0);
  expect(out).toMatch(/CREATE EXTENSION vector;\n. ruvector_healing \S+ for (plv8|pljs)\n/);
  expect(await cli("install")).toMatchObject({ out: expect.stringContaining("already"), exit: 0 });
  expect((await cli("upgrade")).exit).toBe(0);
  const { findings } = JSON.parse((await cli("doctor", "--json")).out) as {
    findings: { state: string; says: string; type: string[] }[];
  };
  expect(findings.filter(({ state }) => state === "wrong")).toEqual([]);
  const never = findings.find(({ says }) => says === "The loop has never run here.");
  expect(never!.type.join("\n")).toMatch(/ruvector_healing_(tick|schedule)\(/);
  // Of a role without a level it says which, and needs none itself.
  const role = `${db.name}_plain`;
  await bare.client.query(`CREATE ROLE "${role}" LOGIN PASSWORD 'plain'`);
  try {
    const theirs = Object.assign(new URL(url), { username: role, password: "plain" });
    const plain = await cli("doctor", theirs.href);
    expect(plain.out).toContain(`SELECT ruvector_healing_grant('${role}', 'viewer');`);
    expect([plain.exit, plain.err]).toEqual([3, ""]);
    // The server hides what it has of pg_cron from such a role; nothing is to be loaded again.
    expect(plain.out).not.toContain("shared_preload_libraries");
    expect(plain.out).toContain(`${role} may not see which database it lives in`);
  } finally {
    await bare.client.query(`DROP ROLE "${role}"`);
  }
});

it("register, configure, execute, trigger, rollback: answers and HINTs", async () => {
  await makeTable(bare, { rows: HOT, register: false });
  expect(await cli("register", "embedings")).toMatchObject({
    err: expect.stringContaining("SELECT ruvector_healing_register('public.embeddings');"),
    exit: 1,
  });
  const registered = await cli("register", "embeddings", "--movable");
  expect(registered).toMatchObject({
    out: expect.stringMatching(/collection +public\.emb/),
    exit: 0,
  });
  expect(registered.err).toContain("must not address them by partition_id");
  const settings = await cli("configure", "mode=observe", "max_moves=7", "-c", "embeddings");
  expect(settings.out.split("\n")).toEqual([
    "mode       auto -> observe",
    "max_moves  1000000 -> 7",
  ]);
  expect((await cli("configure", "max_moves=7", "-c", "embeddings")).out).toBe(
    "Nothing changed: it was so already.",
  );
  expect((await cli("configure", "mode", "observe")).err).toContain("configure mode=observe");
  expect((await cli("configure", "max_movs=7")).err).toMatch(/max_movs[^]*max_moves/);
  const plan = await cli("execute", "embeddings", "rebalance_partitions", "--dry-run", "--json");
  expect(JSON.parse(plan.out)).toMatchObject({ plan: { rows: 7 }, outcome: "dry_run" });
  expect(await cli("trigger", "embeddings")).toMatchObject({
    out: expect.stringMatching(/outcome +deferred[^]*reason +\w+|reason +\w+[^]*outcome +deferred/),
    exit: 1,
  });
  expect(await cli("rollback", "embeddings")).toMatchObject({
    err: expect.stringMatching(/no action|nothing/),
    exit: 1,
  });
  // pg_cron lives in another database of this server, and so does its job.
  expect(await cli("schedule", "5 seconds")).toMatchObject({
    exit: 1,
    err: expect.stringMatching(/./),
  });
});

it("uninstall asks, and leaves the tables; where it cannot be, it says what to do", async () => {
  expect(await cli("uninstall")).toMatchObject({
    exit: 1,
    err: expect.stringMatching(/--yes|HINT/),
  });
  const rows = await bare.value("SELECT count(*)::int FROM embeddings");
  const { exit, err } = await cli("uninstall", "--yes");
  const callable = "SELECT to_regprocedure('public.ruvector_healing_uninstall()') IS NOT NULL";
  if (exit !== 0) {
    expect(err).toMatch(/HINT: npx ruvector-healing upgrade/);
    expect(await bare.value(callable)).toBe(false);
  } else {
    expect(await bare.value("SELECT to_regnamespace('ruvector') IS NULL")).toBe(true);
    expect((await cli("uninstall")).out).toContain("is not installed");
  }
  expect(await bare.value("SELECT count(*)::int FROM embeddings")).toBe(rows);
});

it("a session that only reads, and an output that is full, are told in a line", async () => {
  const run = async (words: string, env: Record<string, string>) =>
    execa("sh", ["-c", `"$0" "$1" ${words}`, process.execPath, await bundledCommands()], {
      reject: false,
      env: { DATABASE_URL: url, ...env },
    });
  await bare.client.query("DROP EXTENSION vector CASCADE");
  const reads = await run("install", { PGOPTIONS: "-c default_transaction_read_only=on" });
  expect(reads.exitCode).toBe(1);
  expect(reads.stderr).toMatch(/read-only transaction\n.*default_transaction_read_only=off/);
  const full = await run("doctor > /dev/full", {});
  expect(full.exitCode).toBe(1);
  expect(full.stderr).toMatch(/^The output cannot be written: ENOSPC.*$/);
});

it.each([
  ["configure", '{"mode":', '{"mode": "observe"}'],
  ["register docs --options", "nope", '{"movable": false}'],
  ["execute docs tune_search --params", "[]", '{"dry_run": true}'],
])("%s %s is answered with JSON that it takes", async (words, typed, meant) => {
  const { err, exit } = await cli(...words.split(" "), typed);
  expect([exit, err]).toEqual([1, expect.stringContaining(`such as '${meant}'`)]);
});
