/** HealingClient over node-postgres, on a real server: a pool, the caller's transaction, LISTEN. */
import pg from "pg";
import { beforeAll, expect, it } from "vitest";
import { describedFunctions } from "../../build/sql-functions.ts";
import { HealingClient, type Notification } from "../../src/client/index.ts";
import { FUNCTIONS } from "../../src/client/functions.ts";
import { afterwards } from "../support/afterwards.ts";
import { HOT, makeTable, QUICK } from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";

let db: TestDatabase;
let pool: pg.Pool;
let healing: HealingClient;

beforeAll(async () => {
  db = await testDatabase();
  pool = new pg.Pool({ connectionString: db.url, max: 3 });
  pool.on("error", () => undefined);
  afterwards(() => pool.end());
  healing = new HealingClient(pool);
  await makeTable(db, { rows: HOT, register: false });
});

it("registers, configures, ticks and acts; what a person did stands in the history", async () => {
  const changed = await healing.configure({ settings: { ...QUICK, mode: "observe" } });
  expect(changed).toMatchObject({
    mode: { old: "auto", new: "observe" },
    stabilize_seconds: { new: 0 },
  });
  expect(await healing.report({ since: "1 day" })).toContain("What was sensed");
  const found = await healing.register({ collection: "embeddings", options: { movable: true } });
  expect(found).toMatchObject({ collection: "public.embeddings", partition_strategy: "list" });
  await healing.tick();
  expect(await healing.verdict({ collection: "embeddings" })).toMatchObject([
    { collection_name: "public.embeddings", state: "stress" },
  ]);
  const answer = await healing.execute({
    collection: "embeddings",
    strategy: "rebalance_partitions",
    params: { max_moves: 50 },
  });
  expect(answer).toMatchObject({ strategy: "rebalance_partitions" });
  expect(answer.action_id).toBeGreaterThan(0);
  const aborted = await healing.abort({ action_id: answer.action_id! });
  expect(aborted.state).toMatch(/aborted|rolling_back/);
  expect(await healing.history({ since: new Date(Date.now() - 3_600_000) })).toMatchObject([
    { action_id: answer.action_id, collection: "public.embeddings" },
  ]);
  // As SQL takes it: how long ago; and what is no time is told with what is one.
  for (const since of ["7 days", "yesterday", new Date(0).toISOString()]) {
    expect(await healing.history({ since })).toHaveLength(1);
    await healing.decisions({ since, limit: 1 });
    await healing.forecasts({ since, limit: 1 });
  }
  await expect(healing.history({ since: "soon" })).rejects.toMatchObject({
    code: "RV001",
    hint: "SELECT * FROM ruvector_healing_history('7 days');",
  });
  await healing.integrityHistory({ since: "yesterday" });
  await expect(healing.integrityHistory({ since: "7 days" })).rejects.toMatchObject({
    code: "22007",
    hint: expect.stringContaining("since is a time: a Date"),
  });
  expect(await healing.explain({ action_id: answer.action_id! })).toContain("rebalance_partitions");
  expect(await healing.explain({ collection: "embeddings" })).toContain("public.embeddings");
});

it("calls whatever needs no argument; rows have the columns that the types promise", async () => {
  const described = await describedFunctions();
  const plain = new HealingClient(pool) as unknown as Record<string, () => Promise<unknown>>;
  let seen = 0;
  for (const [method, { sql, kind }] of Object.entries(FUNCTIONS)) {
    const one = described.find(({ name }) => sql.endsWith(`.${name}`))!;
    if (kind === "procedure" || one.arguments.some(({ optional }) => !optional)) continue;
    // These change something.
    if (/^(resume|schedule|unschedule|uninstall|auditRotateKey|auditHead)$/.test(method)) continue;
    const answer = await plain[method]!();
    if (kind !== "rows") continue;
    const [row] = answer as Record<string, unknown>[];
    if (row === undefined || !Array.isArray(one.returns)) continue;
    seen += 1;
    expect(Object.keys(row).sort(), method).toEqual(
      (one.returns as { name: string }[]).map(({ name }) => name.replace(/_$/, "")).sort(),
    );
  }
  expect(seen).toBeGreaterThan(6);
});

it("is in the caller's transaction, and gives errors of the server as they are", async () => {
  const client = await pool.connect();
  try {
    const theirs = new HealingClient(client);
    await client.query("BEGIN");
    await theirs.configure({ settings: { max_moves: 7 }, collection: "embeddings" });
    await client.query("ROLLBACK");
    const [setting] = (await healing.config({ collection: "embeddings" })).filter(
      ({ key }) => key === "max_moves",
    );
    expect(setting?.value).not.toBe(7);
    await expect(theirs.trigger({ collection: "embedings" })).rejects.toMatchObject({
      code: "RV002",
      hint: expect.stringContaining("embed"),
    });
  } finally {
    client.release();
  }
});

it("says which argument is no whole number before it asks", async () => {
  for (const action_id of [1.5, 1e21, Number.NaN])
    await expect(healing.approve({ action_id })).rejects.toThrow(
      `"action_id" of ruvector.ruvector_healing_approve is ${action_id}, which is no whole number`,
    );
});

it("listens on a connection of the pool until it is told to stop", async () => {
  const heard: Notification[] = [];
  const stop = await healing.listen((one) => heard.push(one));
  await healing.execute({
    collection: "embeddings",
    strategy: "rebalance_partitions",
    params: { max_moves: 10 },
  });
  await expect.poll(() => heard.map(({ kind }) => kind)).toContain("action_planned");
  expect(heard[0]).toMatchObject({
    collection: "public.embeddings",
    action_id: expect.any(Number),
  });
  await stop();
  expect(pool.idleCount).toBe(pool.totalCount);
});

it("listens on through a lost connection, foreign payloads, a listener that throws", async () => {
  const heard: string[] = [];
  const thrown: unknown[] = [];
  // What is thrown there is the listener's own affair: not the connection's.
  const uncaught = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => thrown.push(error));
  const stop = await healing.listen(({ kind }) => {
    heard.push(kind);
    if (kind === "throws") throw new Error("mine");
  });
  const tell = (payload: string): Promise<unknown> =>
    pool.query("SELECT pg_notify('ruvector_healing', $1)", [payload]);
  const told = (kind: string): Promise<unknown> => tell(JSON.stringify({ kind }));
  try {
    for (const payload of ["hello", "null", "[1]", "{}", "7"]) await tell(payload);
    await told("throws");
    await told("first");
    await expect.poll(() => heard).toEqual(["throws", "first"]);
    await pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity " +
        "WHERE datname = current_database() AND query = 'LISTEN ruvector_healing'",
    );
    await expect
      .poll(async () => {
        await told("later");
        return heard;
      })
      .toContain("later");
    expect(thrown).toMatchObject([{ message: "mine" }]);
  } finally {
    await stop();
    process.removeAllListeners("uncaughtException");
    for (const one of uncaught) process.on("uncaughtException", one);
  }
  expect(pool.idleCount).toBe(pool.totalCount);
  await told("nobody listens");
});

it("leaves nothing on a connection; of two that listen on a client each stops alone", async () => {
  const client = await pool.connect();
  const before = client.listenerCount("error");
  client.release();
  for (let times = 0; times < 3; times++) await (await healing.listen(() => undefined))();
  const same = await pool.connect();
  try {
    expect(same).toBe(client);
    // In use the pool takes its own away.
    expect(same.listenerCount("error")).toBe(before);
    const theirs = new HealingClient(same);
    const heard: string[] = [];
    await same.query("BEGIN");
    await same.query("SELECT 1 / 0").catch(() => undefined);
    await expect(theirs.listen(() => heard.push("failed"))).rejects.toMatchObject({
      code: "25P02",
    });
    await same.query("ROLLBACK");
    const stopFirst = await theirs.listen(() => heard.push("first"));
    const stopSecond = await theirs.listen(() => heard.push("second"));
    await stopFirst();
    await stopFirst();
    await pool.query(`SELECT pg_notify('ruvector_healing', '{"kind": "told"}')`);
    await expect.poll(() => heard).toEqual(["second"]);
    await stopSecond();
    expect(same.listenerCount("notification")).toBe(0);
    expect((await same.query("SELECT pg_listening_channels()")).rows).toEqual([]);
  } finally {
    same.release();
  }
});
