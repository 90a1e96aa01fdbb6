/** The whole loop with the real actuator and a server that speaks the Kubernetes API: approval, scaling, undo, and what goes wrong on the way. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { KubernetesApi } from "../support/kubernetes/api-server.ts";
import { type ActuatorProcess, startActuator } from "./support/actuator-process.ts";
import { configure, makeTable, QUICK, ticks } from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";

const WORKLOAD = "deployment/default/ruvector-read";

let db: TestDatabase;
let api: KubernetesApi;
let actuator: ActuatorProcess;

const witness = Array.from({ length: 7 }, (_, place) => ({
  type: "partition_link", from: "partition:a", from_type: "partition", to: `partition:${place}`, to_type: "partition", capacity: 0.03, nominal: 0.125,
}));
/** An outside monitor says where lambda is: no rows are read here, so no replica takes any off. */
const lambdaIs = (lambda: number) =>
  db.client.query("SELECT ruvector_integrity_report('embeddings', $1)", [JSON.stringify({ lambda, witness_edges: lambda < 1 ? witness : [] })]);
const last = async () => (await db.rows<{ action_id: string; state: string; message: string; verified: boolean | null }>("SELECT action_id, state, message, verified FROM ruvector_healing_history()"))[0]!;
const requests = () => db.rows<{ id: string; state: string; replicas: number; taken_by: string; answer: Record<string, unknown> }>(`
  SELECT id, state, (wanted ->> 'replicas')::int AS replicas, taken_by, answer FROM ruvector.healing_actuations
   WHERE action_id = (SELECT max(action_id) FROM ruvector.healing_actuations) ORDER BY id`);

/** Ticks until the last action is in the state. */
async function becomes(state: string, seconds = 40): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while ((await last()).state !== state) {
    if (Date.now() > end) expect(await last(), actuator.lines.join("\n")).toMatchObject({ state });
    await ticks(db, 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const settled = async (seconds = 40) => {
  await expect.poll(async () => (await requests()).at(-1)!.state, { timeout: seconds * 1000 }).toMatch(/succeeded|failed/);
};

/** PUTs to the scale subresource that the server carried out. */
const scalings = () => api.log.filter(({ verb, resource, status }) => verb === "update" && resource.endsWith("/scale") && status === 200);

const start = (name: string, flags: readonly string[] = []) => api.kubeconfig().then((kubeconfig) => startActuator({ database: db.url, name, workloads: [WORKLOAD], kubeconfig, flags }));

beforeAll(async () => {
  db = await testDatabase();
  api = await KubernetesApi.start();
  api.workload("deployments", "ruvector-read", 2);
  await makeTable(db, { rows: [20, 20, 20, 20] });
  await configure(db, { ...QUICK, enabled: false, scale_workload: WORKLOAD, report_ttl_seconds: 3600, actuator_report_seconds: 10 });
  actuator = await start("one");
  await actuator.healthy();
});
afterAll(() => api.close());

beforeEach(async () => {
  await lambdaIs(0.32);
  api.faults.clear();
  api.log.length = 0;
});

/** Each test leaves the workload at 2 and nothing under way. */
afterEach(async () => {
  const action = await last();
  if (["executing", "stabilizing", "rolling_back"].includes(action.state)) {
    await db.client.query("SELECT ruvector_healing_abort($1)", [action.action_id]).catch(() => undefined);
    await expect.poll(async () => { await ticks(db, 1); return (await last()).state; }, { timeout: 60_000 }).not.toMatch(/executing|stabilizing|rolling_back/);
  }
  api.setReplicas("deployments", "ruvector-read", 2);
});

describe("an action", () => {
  it("is approved, scales, waits until all are ready, is verified, and its undo restores the previous count", async () => {
    await configure(db, { enabled: true, max_auto_heal_impact: 0.25, strategy_retry_seconds: 0, ineffective_outcomes: 100 });
    await expect.poll(async () => db.value("SELECT count(*)::int FROM ruvector.healing_actuators")).toBe(1);
    await ticks(db, 1);
    expect(await last()).toMatchObject({ state: "awaiting_approval" });
    await ticks(db, 2);
    expect(scalings()).toHaveLength(0);
    await db.client.query("SELECT ruvector_healing_approve($1)", [(await last()).action_id]);
    await ticks(db, 1);
    await settled();
    expect(await requests()).toMatchObject([{ state: "succeeded", taken_by: "one", answer: { replicas: 3, ready: 3, actuator: "one" } }]);
    expect(api.replicas("deployments", "ruvector-read")).toBe(3);
    expect(scalings()).toHaveLength(1);
    await lambdaIs(0.9);
    await becomes("succeeded");
    expect(await last()).toMatchObject({ verified: true });
    await configure(db, { enabled: false, max_auto_heal_impact: null, strategy_retry_seconds: null, ineffective_outcomes: null });
    await db.client.query("SELECT ruvector_healing_rollback('embeddings')");
    await becomes("rolled_back");
    expect(api.replicas("deployments", "ruvector-read")).toBe(2);
    expect(scalings().map(({ body }) => (body as { spec: { replicas: number } }).spec.replicas)).toEqual([3, 2]);
  });
});
