/**
 * The whole loop with the real actuator and a server that speaks the Kubernetes API: approval,
 * scaling, undo, and what goes wrong on the way.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadAllYaml } from "@kubernetes/client-node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { root } from "../../build/project.ts";
import { KubernetesApi } from "../support/kubernetes/api-server.ts";
import { type ActuatorProcess, startActuator } from "./support/actuator-process.ts";
import { configure, makeTable, QUICK, ticks } from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";
import { waitEnds } from "../support/patience.ts";

const WORKLOAD = "deployment/default/ruvector-read";

/**
 * Milliseconds that a wait may take where the machine is busy; what is waited for does not change.
 */
const PATIENCE = 100_000;
vi.setConfig({ testTimeout: 400_000, hookTimeout: 400_000 });

let db: TestDatabase;
let api: KubernetesApi;
let actuator: ActuatorProcess;

const witness = Array.from({ length: 7 }, (_, place) => ({
  type: "partition_link",
  from: "partition:a",
  from_type: "partition",
  to: `partition:${place}`,
  to_type: "partition",
  capacity: 0.03,
  nominal: 0.125,
}));
/** An outside monitor says where lambda is: no rows are read here, so no replica takes any off. */
const lambdaIs = (lambda: number) =>
  db.client.query("SELECT ruvector_integrity_report('embeddings', $1)", [
    JSON.stringify({ lambda, witness_edges: lambda < 1 ? witness : [] }),
  ]);
const last = async () =>
  (
    await db.rows<{ action_id: string; state: string; message: string; verified: boolean | null }>(
      "SELECT action_id, state, message, verified FROM ruvector_healing_history()",
    )
  )[0]!;
const requests = () =>
  db.rows<{
    id: string;
    state: string;
    replicas: number;
    taken_by: string;
    answer: Record<string, unknown>;
  }>(`
  SELECT id, state, (wanted ->> 'replicas')::int AS replicas, taken_by, answer
    FROM ruvector.healing_actuations
   WHERE action_id = (SELECT max(action_id) FROM ruvector.healing_actuations) ORDER BY id`);

/** Ticks until the last action is in the state. */
async function becomes(state: string, seconds = PATIENCE / 1000): Promise<void> {
  const end = waitEnds(seconds);
  while ((await last()).state !== state) {
    if (Date.now() > end) expect(await last(), actuator.lines.join("\n")).toMatchObject({ state });
    await ticks(db, 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const settled = async (seconds = PATIENCE / 1000) => {
  await expect
    .poll(async () => (await requests()).at(-1)!.state, { timeout: seconds * 1000 })
    .toMatch(/succeeded|failed/);
};

/** PUTs to the scale subresource that the server carried out. */
const scalings = () =>
  api.log.filter(
    ({ verb, resource, status }) =>
      verb === "update" && resource.endsWith("/scale") && status === 200,
  );

/** With the rights of docs/kubernetes/rbac.yaml, and no others. */
const start = (name: string, flags: readonly string[] = []) =>
  startActuator({ database: db.url, name, workloads: [WORKLOAD], kubeconfig, flags });
const execute = () =>
  db.client.query("SELECT ruvector_healing_execute('embeddings', 'scale_replicas')");
let kubeconfig: string;
const others: ActuatorProcess[] = [];

/** A second one, for this test only. */
async function another(name: string): Promise<ActuatorProcess> {
  const process = await start(name);
  others.push(process);
  return process;
}

async function applyRbac(): Promise<void> {
  for (const object of loadAllYaml(
    await readFile(join(root, "docs/kubernetes/rbac.yaml"), "utf8"),
  ) as { kind: string; metadata: { name: string; namespace: string } }[]) {
    api.store.create(api.kind(`${object.kind.toLowerCase()}s`), object.metadata.namespace, object);
  }
}

beforeAll(async () => {
  db = await testDatabase();
  api = await KubernetesApi.start();
  await applyRbac();
  kubeconfig = await api.kubeconfig(
    api.serviceAccount("default", "ruvector-healing-actuator"),
    "actuator",
  );
  api.workload("deployments", "ruvector-read", 2);
  await makeTable(db, { rows: [20, 20, 20, 20] });
  await configure(db, {
    ...QUICK,
    enabled: false,
    scale_workload: WORKLOAD,
    report_ttl_seconds: 3600,
    actuator_report_seconds: 10,
  });
  actuator = await start("one");
  await actuator.healthy();
});
afterAll(async () => {
  for (const process of [actuator, ...others]) process?.kill("SIGKILL");
  await api?.close();
});

beforeEach(async () => {
  // One that a test killed, or that failed, is there again for the next.
  if (!actuator.running) actuator = await start("one");
  await actuator.healthy();
  await lambdaIs(0.32);
  api.faults.clear();
  api.log.length = 0;
});

/** Each test leaves the workload at 2 and nothing under way. */
afterEach(async () => {
  api.pace.readyAtMost = Infinity;
  api.faults.clear();
  await api.back();
  for (const process of others.splice(0)) process.kill("SIGKILL");
  if (!actuator.running) actuator = await start("one");
  const action = await last();
  if (["executing", "stabilizing", "rolling_back"].includes(action.state)) {
    // A request to be given up whose taker is gone stands until its deadline.
    await db.client.query(
      `UPDATE ruvector.healing_actuations SET deadline = clock_timestamp() WHERE state = 'taken'
        AND taken_by <> 'one'`,
    );
    await db.client
      .query("SELECT ruvector_healing_abort($1)", [action.action_id])
      .catch(() => undefined);
    await expect
      .poll(async () => {
        await ticks(db, 1);
        return (await last()).state;
      })
      .not.toMatch(/executing|stabilizing|rolling_back/);
  }
  api.setReplicas("deployments", "ruvector-read", 2);
  // What is planned is planned on the last report.
  await expect
    .poll(
      () =>
        db.value(
          `SELECT (state ->> 'replicas')::int FROM ruvector.healing_actuators
            ORDER BY reported_at DESC LIMIT 1`,
        ),
      { timeout: PATIENCE },
    )
    .toBe(2);
});

describe("an action", () => {
  it(
    "is approved, scales, waits until all are ready, is verified, and its undo restores the " +
      "previous count",
    async () => {
      await configure(db, {
        enabled: true,
        max_auto_heal_impact: 0.25,
        strategy_retry_seconds: 0,
        ineffective_outcomes: 100,
      });
      await expect
        .poll(async () => db.value("SELECT count(*)::int FROM ruvector.healing_actuators"))
        .toBe(1);
      await ticks(db, 1);
      expect(await last()).toMatchObject({ state: "awaiting_approval" });
      await ticks(db, 2);
      expect(scalings()).toHaveLength(0);
      await db.client.query("SELECT ruvector_healing_approve($1)", [(await last()).action_id]);
      await ticks(db, 1);
      await settled();
      expect(await requests()).toMatchObject([
        { state: "succeeded", taken_by: "one", answer: { replicas: 3, ready: 3, actuator: "one" } },
      ]);
      expect(api.replicas("deployments", "ruvector-read")).toBe(3);
      expect(scalings()).toHaveLength(1);
      await lambdaIs(0.9);
      await becomes("succeeded");
      expect(await last()).toMatchObject({ verified: true });
      await configure(db, {
        enabled: false,
        max_auto_heal_impact: null,
        strategy_retry_seconds: null,
        ineffective_outcomes: null,
      });
      await db.client.query("SELECT ruvector_healing_rollback('embeddings')");
      await becomes("rolled_back");
      expect(api.replicas("deployments", "ruvector-read")).toBe(2);
      expect(
        scalings().map(({ body }) => (body as { spec: { replicas: number } }).spec.replicas),
      ).toEqual([3, 2]);
    },
  );
});

/** Cannot be taken for anything but the end: all of it healthy again, one set each way at most. */
const restored = async () => {
  await becomes("succeeded");
  expect(api.replicas("deployments", "ruvector-read")).toBe(3);
};

describe("killed in the middle", () => {
  it(
    "between taking and scaling: another one takes it up when its claim is over, and it is " +
      "scaled once",
    async () => {
      api.faults.next({ kind: "drop", when: "before" }, { verb: "update" }, 10_000);
      await configure(db, { actuator_report_seconds: 600 });
      await execute();
      await expect
        .poll(async () => (await requests())[0]!.state, { timeout: PATIENCE })
        .toBe("taken");
      actuator.kill("SIGKILL");
      await actuator.ended;
      api.faults.clear();
      const other = await another("other");
      await other.healthy();
      expect(await requests()).toMatchObject([{ state: "taken", taken_by: "one" }]);
      await db.client.query(
        `UPDATE ruvector.healing_actuations SET claimed_until = clock_timestamp()
        WHERE state = 'taken'`,
      );
      await configure(db, { actuator_report_seconds: 10 });
      await lambdaIs(0.9);
      await settled();
      expect(await requests()).toMatchObject([{ state: "succeeded", taken_by: "other" }]);
      expect(scalings()).toHaveLength(1);
      await restored();
      expect(await other.stop()).toBe(0);
    },
  );

  it(
    "between scaling and answering: started again under its name it goes on at once, and sets " +
      "nothing",
    async () => {
      api.pace.readyAtMost = 2;
      await execute();
      await expect.poll(() => scalings().length, { timeout: PATIENCE }).toBe(1);
      actuator.kill("SIGKILL");
      await actuator.ended;
      expect(await requests()).toMatchObject([{ state: "taken", taken_by: "one" }]);
      actuator = await start("one");
      await actuator.says("goes on with what was begun under its name before");
      api.pace.readyAtMost = Infinity;
      await lambdaIs(0.9);
      await settled();
      expect(await requests()).toMatchObject([
        { state: "succeeded", taken_by: "one", answer: { replicas: 3, ready: 3 } },
      ]);
      expect(scalings()).toHaveLength(1);
      await restored();
    },
  );
});

describe("two actuators", () => {
  it("one acts; what it is at when it is told to end goes to the other at once", async () => {
    const other = await another("other");
    await other.healthy();
    api.pace.readyAtMost = 2;
    await execute();
    await expect.poll(() => scalings().length, { timeout: PATIENCE }).toBe(1);
    const first = (await requests())[0]!.taken_by;
    // Much longer than the wait below: it is not its falling silent that frees the request.
    await configure(db, { actuator_report_seconds: 600 });
    await expect
      .poll(
        () =>
          db.value(
            `SELECT claimed_until > now() + interval '300 seconds'
              FROM ruvector.healing_actuations ORDER BY id DESC LIMIT 1`,
          ),
        { timeout: PATIENCE },
      )
      .toBe(true);
    const [at, idle] = first === "one" ? [actuator, other] : [other, actuator];
    expect(idle.lines.join("\n")).not.toContain(
      "took a request request=" + (await requests())[0]!.id,
    );
    expect(await at.stop()).toBe(0);
    await expect
      .poll(async () => (await requests())[0]!.taken_by, { timeout: PATIENCE })
      .toBe(idle.name);
    await configure(db, { actuator_report_seconds: 10 });
    api.pace.readyAtMost = Infinity;
    await lambdaIs(0.9);
    await settled();
    expect(scalings()).toHaveLength(1);
    await restored();
  });

  it("of one name: the second waits, and says why", async () => {
    const second = await another("one");
    await second.says(
      'another process is connected as actuator "one": give this one another --name',
    );
    expect((await second.get("/healthz")).status).toBe(503);
    expect((await second.get("/livez")).status).toBe(200);
  });
});

describe("what goes wrong on the way", () => {
  it("its session is cut while it waits: it comes back, and answers", async () => {
    api.pace.readyAtMost = 2;
    await execute();
    await expect.poll(() => scalings().length, { timeout: PATIENCE }).toBe(1);
    await db.client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name LIKE 'ruvector-healing actuator%' AND datname = current_database()`,
    );
    await actuator.says("no session with the database");
    api.pace.readyAtMost = Infinity;
    await lambdaIs(0.9);
    await settled();
    await restored();
    expect(scalings()).toHaveLength(1);
    await actuator.healthy();
  });

  it("Kubernetes is away: unwell, nothing is planned on it; back, it goes on", async () => {
    await execute();
    await api.away();
    await expect
      .poll(async () => JSON.parse((await actuator.get("/healthz")).text) as object, {
        timeout: PATIENCE,
      })
      .toMatchObject({
        ok: false,
        database: { connected: true },
        workloads: [{ problem: expect.stringContaining("is not to be reached") }],
      });
    expect((await actuator.get("/healthz")).status).toBe(503);
    await api.back();
    await lambdaIs(0.9);
    await settled();
    await restored();
    await actuator.healthy();
  });

  it("too little is granted: the action fails with Kubernetes' words", async () => {
    const role = api.kind("roles");
    const before = api.store.get(role, "default", "ruvector-healing-actuator")["rules"];
    api.store.update(role, "default", "ruvector-healing-actuator", (object) => {
      object["rules"] = (before as { verbs: string[] }[]).map((rule) => ({
        ...rule,
        verbs: ["get"],
      }));
    });
    await execute();
    await becomes("failed");
    expect((await last()).message).toContain(
      'cannot update resource "deployments/scale" in API gr',
    );
    expect(api.replicas("deployments", "ruvector-read")).toBe(2);
    api.store.update(role, "default", "ruvector-healing-actuator", (object) => {
      object["rules"] = before;
    });
  });

  it("it is aborted while it waits: it stops, and the previous count is restored", async () => {
    api.pace.readyAtMost = 2;
    await execute();
    await expect.poll(() => scalings().length, { timeout: PATIENCE }).toBe(1);
    await db.client.query("SELECT ruvector_healing_abort($1)", [(await last()).action_id]);
    await becomes("aborted");
    expect(api.replicas("deployments", "ruvector-read")).toBe(2);
    expect((await requests())[0]).toMatchObject({
      state: "failed",
      answer: { given_up: true, error: "it was asked to stop" },
    });
  });

  it("somebody else scales meanwhile: their count stays, and the action says so", async () => {
    api.pace.readyAtMost = 2;
    await execute();
    await expect.poll(() => scalings().length, { timeout: PATIENCE }).toBe(1);
    api.setReplicas("deployments", "ruvector-read", 7);
    await becomes("failed");
    expect((await last()).message).toContain("somebody else scaled");
    expect(api.replicas("deployments", "ruvector-read")).toBe(7);
    expect(scalings()).toHaveLength(1);
  });
});

describe("what it serves", () => {
  it(
    "/healthz, /livez, and /metrics of the loop and its own; nothing that writes, nobody " +
      "else's name",
    async () => {
      const { status, text } = await actuator.get("/healthz");
      expect(status, text).toBe(200);
      expect(JSON.parse(text)).toMatchObject({
        ok: true,
        name: "one",
        database: { connected: true },
        workloads: [{ workload: WORKLOAD, replicas: 2, problem: null }],
        at_work: [],
        audit: null,
      });
      const metrics = await actuator.get("/metrics");
      expect(metrics.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
      expect(metrics.text).toMatch(/^ruvector_integrity_lambda\{/m);
      expect(metrics.text).toContain(
        `ruvector_healing_actuator_replicas{workload="${WORKLOAD}"} 2`,
      );
      expect(metrics.text).toMatch(
        /^ruvector_healing_actuator_kubernetes_requests_total\{method="GET",status="200"\} \d+$/m,
      );
      // Read as one text: no family twice.
      const families = [...metrics.text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
      expect(families).toHaveLength(new Set(families).size);
      expect((await fetch(`${actuator.url}/healthz`, { method: "POST" })).status).toBe(405);
      expect((await actuator.get("/nothing")).status).toBe(404);
      // The page's files are in the bundle's folder.
      for (const path of ["/", "/page.js", "/page.css"])
        expect((await actuator.get(path)).status, path).toBe(200);
    },
  );
});
