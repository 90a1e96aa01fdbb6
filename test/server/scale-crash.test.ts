/**
 * kill -9 of the server while the actuator is at work for scale_replicas, and while it takes it
 * back: both go on by themselves.
 */
import type pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Server, startServer } from "../../src/workbench/db/server.ts";
import { QUICK } from "./support/collection.ts";
import { type FakeActuator, fakeActuator } from "./support/fake-actuator.ts";
import { becomes, install, session, valueOf } from "./support/replicas.ts";

const external = (process.env["DATABASE_URL"] ?? "") !== "";
const STATE = "SELECT state FROM ruvector.healing_actions ORDER BY id DESC LIMIT 1";

let server: Server;
let client: pg.Client;
let actuator: FakeActuator;

beforeAll(async () => {
  if (external) return;
  server = await startServer({ name: `scale-${process.pid}` });
  client = await session(server);
  await install(client);
  await client.query("CREATE TABLE level (id bigint PRIMARY KEY, embedding vector(3))");
  await client.query("SELECT ruvector_healing_register('level')");
  await client.query("SELECT ruvector_healing_configure($1)", [
    JSON.stringify({
      ...QUICK,
      enabled: false,
      scale_workload: "read",
      actuator_report_seconds: 3600,
      report_ttl_seconds: 3600,
    }),
  ]);
  // Lambda stays where it is, so that what the actuator did has to be taken back.
  await client.query("SELECT ruvector_integrity_report('level', $1)", [
    JSON.stringify({ lambda: 0.5 }),
  ]);
  await client.query("SELECT ruvector_healing_schedule('1 second')");
  actuator = fakeActuator(client, "read", 4);
  await actuator.report();
});

afterAll(async () => {
  if (!external) await server.destroy();
});

async function killAndRestart(): Promise<void> {
  await server.kill9();
  await client.end().catch(() => undefined);
  await server.restart();
  client = await session(server);
  actuator.client = client;
}

// A server of DATABASE_URL is not ours to kill.
it.skipIf(external)(
  "goes on after kill -9 while the actuator scales, and while it takes it back",
  async () => {
    await client.query("SELECT ruvector_healing_execute('level', 'scale_replicas')");
    const request = (await actuator.take())!;
    expect(request.wanted).toEqual({ replicas: 6, previous: 4 });
    await killAndRestart();
    expect(await valueOf(client, STATE)).toBe("executing");
    // What was asked and taken is still so; the answer is taken by the server that came back.
    await actuator.carryOut(request);
    await becomes(client, STATE, "rolling_back");
    await becomes(
      client,
      "SELECT count(*)::int FROM ruvector.healing_actuations WHERE state = 'requested'",
      1,
    );
    const undo = (await actuator.take())!;
    expect(undo.wanted).toEqual({ replicas: 4, previous: 6 });
    await killAndRestart();
    expect(await valueOf(client, STATE)).toBe("rolling_back");
    await actuator.carryOut(undo);
    await becomes(client, STATE, "rolled_back");
    expect(actuator.replicas).toBe(4);
    expect(await valueOf(client, "SELECT count(*)::int FROM ruvector.healing_actuations")).toBe(2);
  },
);
