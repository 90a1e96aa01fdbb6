/** The commands for people, as processes: what they print, where, and what they exit with. */
import pg from "pg";
import { execa } from "execa";
import { beforeAll, expect, it } from "vitest";
import { LEVELS } from "../../src/commands/terminal/session.ts";
import { bundledCommands } from "../support/bundled-commands.ts";
import { configure, HOT, makeTable, QUICK, ticks } from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";

let db: TestDatabase;

/** @returns out, err and exit, without colours: no process here has a terminal, though CI is set */
async function cli(
  ...words: string[]
): Promise<{ readonly out: string; readonly err: string; readonly exit: number | undefined }> {
  const { stdout, stderr, exitCode } = await execa(
    process.execPath,
    [await bundledCommands(), ...words],
    { reject: false, env: { PGDATABASE: db.name, CI: "true" } },
  );
  return { out: stdout, err: stderr, exit: exitCode };
}

const on = (...words: string[]) => cli(...words, "-d", db.url);
const json = async <T>(...words: string[]): Promise<T> =>
  JSON.parse((await on(...words, "--json")).out) as T;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...QUICK, require_approval: ["hotspot_congestion"] });
  await makeTable(db, { rows: HOT });
  await ticks(db, 1);
});

it("status: a sentence, each collection, an exit code; --json has the same", async () => {
  const { out, exit, err } = await on("status");
  expect(out).toMatch(/waits? for (your )?approval/i);
  expect(out).toMatch(/public\.embeddings +0\.32 +▲? *stress/);
  expect([exit, err]).toEqual([3, ""]);
  const overview = await json<{
    collections: { name: string; state: string }[];
    active: { state: string }[];
  }>("status");
  expect(overview.collections).toMatchObject([{ name: "public.embeddings", state: "stress" }]);
  expect(overview.active).toMatchObject([{ state: "awaiting_approval" }]);
  // As psql takes it: the database alone on the line.
  const ageless = (text: string): string => text.replace(/\d+ (s|min) ago/g, "some time ago");
  expect(ageless((await cli("status", db.url)).out)).toBe(ageless(out));
});

it("explain, reject, approve, abort: what the SQL functions answer, and what to type", async () => {
  const id = await db.value<string>("SELECT max(id)::text FROM ruvector.healing_actions");
  expect((await on("explain", id)).out).toMatch(
    new RegExp(`^Action ${id} on public\\.embeddings: rebalance_partitions`),
  );
  const { out: why } = await on("explain", "embeddings");
  expect(why).toMatch(/^public\.embeddings is stress: lambda 0\.\d+ is below 0\.8/);
  // It has not begun: there is nothing to undo.
  for (const verb of ["approve", "reject"])
    expect(why).toContain(`SELECT ruvector_healing_${verb}(${id});`);
  expect(why).not.toContain("ruvector_healing_abort");
  expect(await on("reject", id, "not now")).toMatchObject({
    out: expect.stringMatching(/aborted: rejected: not now/),
    exit: 0,
  });
  // Said twice it is no error; the other way round it is, and says what to type.
  expect(await on("reject", id)).toMatchObject({
    out: expect.stringMatching(/rejected already/),
    exit: 0,
  });
  expect(await on("approve", id)).toMatchObject({
    out: "",
    err: expect.stringMatching(/does not wait for approval[^]*not now[^]*ruvector_healing_execute/),
    exit: 1,
  });
  const asked = await db.value<{ action_id: number }>(
    "SELECT ruvector_healing_execute('embeddings', 'throttle_ingestion')",
  );
  expect(await json("abort", String(asked.action_id))).toMatchObject({
    action_id: asked.action_id,
    state: expect.stringMatching(/aborted|rolling_back/),
  });
});

it("history: newest first, as a table and as JSON", async () => {
  const rows = await json<{ id: number; strategy: string; state: string }[]>(
    "history",
    "--since",
    "1h",
  );
  expect(rows.map(({ strategy }) => strategy)).toEqual([
    "throttle_ingestion",
    "rebalance_partitions",
  ]);
  const { out } = await cli("history", db.url);
  expect(out.split("\n")).toHaveLength(1 + rows.length);
  expect(out).toContain("rebalance_partitions");
  expect((await on("history", "--since", "soon")).err).toContain("Write a time such as 2h");
});

it("report: the lines that SQL has, as JSON its document, and what is no time", async () => {
  const { out, exit } = await on("report", "--since", "1 day");
  expect(out).toMatch(/^What was sensed$/m);
  expect(out.replace(/\s+/g, " ")).toContain("throttle_ingestion on public.embeddings: aborted");
  expect(exit).toBe(0);
  expect(await json("report")).toMatchObject({
    totals: { actions: 2 },
    actions: [{ strategy: "rebalance_partitions" }, { strategy: "throttle_ingestion" }],
  });
  expect(await on("report", "--since", "90 apples")).toMatchObject({
    out: "",
    err: expect.stringContaining("ruvector_healing_report('7 days')"),
    exit: 1,
  });
});

it("watch, piped: a line for what there is, one on each change, until told to end", async () => {
  const watching = execa(process.execPath, [await bundledCommands(), "watch", db.url, "-n", "1"], {
    reject: false,
  });
  let said = "";
  watching.stdout.on("data", (text: Buffer) => (said += text.toString()));
  await expect.poll(() => said).toMatch(/public\.embeddings stress/);
  await configure(db, { require_approval: [], rejection_seconds: 1 });
  await ticks(db, 4);
  await expect.poll(() => said).toMatch(/action \d+ \w+ on public\.embeddings/);
  watching.kill("SIGINT");
  // In stress, or healed by now.
  expect([0, 3]).toContain((await watching).exitCode);
});

/** On a terminal of 80 by 24, by util-linux' script; keys go to it as they are typed. */
async function onTerminal(
  typed: readonly (readonly [sees: RegExp, keys: string])[],
  ...words: string[]
): Promise<{ readonly out: string; readonly exit: number | undefined }> {
  const command = [process.execPath, await bundledCommands(), ...words].map((one) => `'${one}'`);
  const process_ = execa(
    "script",
    ["-qec", `stty cols 80 rows 24; exec ${command.join(" ")}`, "/dev/null"],
    { reject: false, stdin: "pipe", env: { TERM: "xterm-256color", NO_COLOR: "1" } },
  );
  let out = "";
  process_.stdout.on("data", (text: Buffer) => (out += text.toString()));
  let from = 0;
  for (const [sees, keys] of typed) {
    await expect.poll(() => out.slice(from)).toMatch(sees);
    from = out.length;
    process_.stdin.write(keys);
  }
  return { exit: (await process_).exitCode, out };
}

it("watch, on a terminal: keys choose, open, filter, pause and end it", async () => {
  const { out, exit } = await onTerminal(
    [
      [/› .*public\.embeddings[^]*q quit/, "\r"],
      [/public\.embeddings is \w+: /, "\u001b[F"],
      [/Esc back/, "\u001b"],
      [/› .*public\.embeddings/, "/nothing\r"],
      [/0 of 1 are looked for/, "\u001b"],
      [/› .*public\.embeddings/, "p"],
      [/paused/, "?"],
      [/choose a collection/, "q"],
    ],
    "watch",
    db.url,
    "-n",
    "1",
  );
  expect([0, 3], out).toContain(exit);
  // Its cursor is given back.
  expect(out.trimEnd().endsWith("\u001b[?25h") || out.includes("\u001b[?25h")).toBe(true);
});

it("a role without rights is told the GRANT, which is typed as it stands", async () => {
  const role = `see_o'${process.pid}`;
  const quoted = pg.escapeIdentifier(role);
  await db.client.query(`CREATE ROLE ${quoted} LOGIN`);
  const theirs = new URL(db.url);
  theirs.username = encodeURIComponent(role);
  try {
    for (const command of ["status", "history"]) {
      const before = await cli(command, "-d", theirs.href);
      expect(before.exit).toBe(1);
      await db.client.query(/SELECT ruvector_healing_grant\(.*\);/.exec(before.err)![0]);
      const after = await cli(command, "-d", theirs.href);
      expect(after.exit, after.err).not.toBe(1);
      await db.client.query("SELECT ruvector_healing_revoke($1)", [role]);
    }
  } finally {
    await db.client.query(`DROP OWNED BY ${quoted}`);
    await db.client.query(`DROP ROLE ${quoted}`);
  }
});

it("a viewer is told the level that it lacks; times come whatever the DateStyle", async () => {
  const role = `see_viewer_${process.pid}`;
  await db.client.query(`CREATE ROLE ${role} LOGIN`);
  await db.client.query("SELECT ruvector_healing_grant($1, 'viewer')", [role]);
  const theirs = Object.assign(new URL(db.url), { username: role }).href;
  const levels = await db.rows<{ verb: string; level: string }>(
    "SELECT substring(routine FROM 'ruvector_healing_(\\w+)') AS verb, level " +
      "FROM ruvector_healing_rights() WHERE routine LIKE 'ruvector_healing_%'",
  );
  try {
    for (const [level, verbs] of LEVELS)
      for (const verb of verbs)
        expect(levels, verb).toContainEqual(expect.objectContaining({ verb, level }));
    const { err } = await cli("approve", "1", "-d", theirs);
    expect(err).toContain(`SELECT ruvector_healing_grant('${role}', 'operator');`);
    expect((await cli("doctor", theirs)).out).not.toContain("ruvector_healing_grant");
    // Times come in no DateStyle.
    const plain = await json<object[]>("history");
    expect(plain.length).toBeGreaterThan(0);
    await db.client.query(`ALTER ROLE ${role} SET datestyle = 'German'`);
    const { out } = await cli("history", "-d", theirs, "--json");
    expect(JSON.parse(out)).toEqual(plain);
    expect((await cli("status", "-d", theirs)).err).toBe("");
  } finally {
    await db.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

it("says what is wrong on standard error, and exits with 1", async () => {
  expect(await on("explain", "nope")).toMatchObject({
    out: "",
    err: expect.stringMatching(/nope[^]*Registered: public\.embeddings/),
    exit: 1,
  });
  expect(await on("approve", "0")).toMatchObject({
    err: expect.stringContaining("ruvector-healing history lists them"),
    exit: 1,
  });
  expect(await cli("status", "-d", "postgresql://nobody@127.0.0.1:1/none")).toMatchObject({
    out: "",
    err: expect.stringContaining("does not answer"),
    exit: 1,
  });
  for (const command of ["status", "watch"])
    expect(await cli(command, db.url.replace(db.name, "postgres")), command).toMatchObject({
      out: "",
      err: expect.stringMatching(
        /ruvector_healing is not installed[^]*npx ruvector-healing install -d/,
      ),
      exit: 1,
    });
});
