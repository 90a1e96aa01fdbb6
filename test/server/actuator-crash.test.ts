/**
 * kill -9 of the server while the actuator waits for replicas: it comes back and answers; and it
 * signs the audit trail with a key of its own.
 */
import { readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Server, startServer } from "../../src/workbench/db/server.ts";
import { makeAuditKey } from "../../src/commands/actuator/audit-key.ts";
import { KubernetesApi } from "../support/kubernetes/api-server.ts";
import { pattern } from "../support/pattern.ts";
import { type ActuatorProcess, startActuator } from "./support/actuator-process.ts";
import { QUICK } from "./support/collection.ts";
import { becomes, install, session, valueOf } from "./support/replicas.ts";

const external = (process.env["DATABASE_URL"] ?? "") !== "";
const STATE = "SELECT state FROM ruvector.healing_actions ORDER BY id DESC LIMIT 1";
const WORKLOAD = "statefulset/default/read";

describe.skipIf(external)("with a server of its own", () => {
  let server: Server;
  let client: pg.Client;
  let api: KubernetesApi;
  let actuator: ActuatorProcess;
  const key = join(tmpdir(), `ruvector-healing-audit-${process.pid}.key`);
  const state = `${key}.state`;

  beforeAll(async () => {
    server = await startServer({ name: `actuator-${process.pid}` });
    client = await session(server);
    await install(client);
    await client.query("CREATE TABLE level (id bigint PRIMARY KEY, embedding vector(3))");
    await client.query("SELECT ruvector_healing_register('level')");
    await client.query("SELECT ruvector_healing_configure($1)", [
      JSON.stringify({
        ...QUICK,
        enabled: false,
        scale_workload: WORKLOAD,
        report_ttl_seconds: 3600,
      }),
    ]);
    // Lambda stays where it is, so that what the actuator did has to be taken back.
    await client.query("SELECT ruvector_integrity_report('level', $1)", [
      JSON.stringify({ lambda: 0.5 }),
    ]);
    await client.query("SELECT ruvector_healing_schedule('1 second')");
    // The actuator's rights, and no others.
    await client.query(
      `CREATE ROLE machine LOGIN; SELECT ruvector_healing_grant('machine', 'actuator');
        SELECT ruvector_healing_grant('machine', 'viewer')`,
    );
    const { publicPem } = makeAuditKey(key);
    await client.query("SELECT ruvector_healing_audit_rotate_key($1)", [publicPem]);
    api = await KubernetesApi.start();
    api.workload("statefulsets", "read", 4);
    const url = new URL(server.url());
    url.username = "machine";
    actuator = await startActuator({
      database: url.href,
      name: "machine-1",
      workloads: [WORKLOAD],
      kubeconfig: await api.kubeconfig(),
      flags: ["--audit-key", key, "--audit-state", state],
    });
    await actuator.healthy(60);
  });

  afterAll(async () => {
    await actuator?.stop();
    await api?.close();
    await server?.destroy();
    await Promise.all([rm(key, { force: true }), rm(state, { force: true })]);
  });

  it("goes on after kill -9 of the server while it waits, and while it takes back", async () => {
    api.pace.readyAtMost = 4;
    await client.query("SELECT ruvector_healing_execute('level', 'scale_replicas')");
    await expect.poll(() => api.replicas("statefulsets", "read")).toBe(6);
    await server.kill9();
    await client.end().catch(() => undefined);
    await actuator.says("no session with the database", 60);
    expect((await actuator.get("/healthz")).status).toBe(503);
    api.pace.readyAtMost = Infinity;
    await server.restart();
    client = await session(server);
    // What was asked is still asked, its answer is taken; lambda did not rise, so the previous
    // count is asked for and set.
    await becomes(client, STATE, "rolled_back");
    expect(api.replicas("statefulsets", "read")).toBe(4);
    const sets = api.log
      .filter(({ verb, status }) => verb === "update" && status === 200)
      .map(({ body }) => (body as { spec: { replicas: number } }).spec.replicas);
    expect(sets).toEqual([6, 4]);
    await actuator.healthy(60);
  });

  it("does not hold up a fast shutdown, whatever ran JavaScript for it", async () => {
    const signatures = () =>
      valueOf<number>(client, "SELECT count(*)::int FROM ruvector.healing_audit_signatures");
    const before = await signatures();
    await client.query("SELECT ruvector_healing_configure('{\"max_attempts_per_hour\": 8}')");
    await expect.poll(signatures).toBeGreaterThan(before);
    for (const path of [
      "/api/collection?name=public.level",
      "/api/explain?collection=public.level",
    ])
      expect((await actuator.get(path)).status).toBe(200);
    await client.end();
    // It throws when the server is still there after two minutes.
    await server.stop("fast");
    await server.restart();
    client = await session(server);
    await actuator.healthy(60);
  });

  it("signs each head with its key, remembers it, signs none that does not extend it", async () => {
    expect((await stat(key)).mode & 0o777).toBe(0o600);
    await becomes(
      client,
      "SELECT (ruvector_healing_verify_audit(NULL, NULL, 'all') -> 'broken') = 'null'",
      true,
    );
    await expect
      .poll(async () => JSON.parse((await actuator.get("/healthz")).text).audit)
      .toMatchObject({ signatures: expect.any(Number), problem: null });
    await becomes(
      client,
      "SELECT max(seq) > 1 FROM ruvector.healing_audit_signatures s JOIN " +
        "ruvector.healing_audit_keys k USING (key_id) WHERE k.held_by = 'external'",
      true,
    );
    const { seq } = JSON.parse(await readFile(state, "utf8")) as { seq: number };
    expect(seq).toBeGreaterThan(1);

    // The owner of the tables rewrites the end of the chain consistently; whoever signed it knows
    // better.
    await client.query("SELECT ruvector_healing_unschedule()");
    await expect
      .poll(async () => valueOf(client, "SELECT ruvector_healing_audit_head() ->> 'due'"))
      .toBe("false");
    // Its own memory is written after the database's answer.
    const newest = await valueOf<number>(
      client,
      "SELECT max(seq)::int FROM ruvector.healing_audit_signatures",
    );
    await expect
      .poll(async () => (JSON.parse(await readFile(state, "utf8")) as { seq: number }).seq)
      .toBe(newest);
    const signed = JSON.parse(await readFile(state, "utf8")) as { seq: number };
    await client.query("SET session_replication_role = replica");
    await client.query(
      "UPDATE ruvector.healing_events SET hash = sha256('another past') WHERE seq = $1",
      [signed.seq],
    );
    await client.query("UPDATE ruvector.healing_audit_head SET hash = sha256('another past')");
    await client.query("SET session_replication_role = origin");
    await client.query("SELECT ruvector_healing_configure('{\"max_attempts_per_hour\": 7}')");
    const line = await actuator.says(
      pattern(
        /the audit trail is not as it was signed, or stands still: /,
        /event \d+ does not follow from what was signed/,
      ),
      60,
    );
    expect(line).toContain("error");
    expect(JSON.parse((await actuator.get("/healthz")).text)).toMatchObject({
      ok: true,
      audit: { problem: expect.stringContaining("does not follow") },
    });
    expect(JSON.parse(await readFile(state, "utf8"))).toEqual({
      key: expect.any(String),
      ...signed,
    });
    expect(
      await valueOf(client, "SELECT max(seq)::int FROM ruvector.healing_audit_signatures"),
    ).toBe(signed.seq);
  });
});
