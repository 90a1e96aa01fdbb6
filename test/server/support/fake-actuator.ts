/**
 * A fake actuator: it speaks the SQL protocol of a real one, and instead of a Kubernetes workload
 * it has a number.
 */
import type pg from "pg";
import { valueOf } from "./replicas.ts";

export interface Request {
  readonly id: number;
  readonly kind: string;
  readonly target: { readonly workload: string };
  readonly wanted: { readonly replicas: number; readonly previous: number };
  readonly deadline: string;
}

export interface FakeActuator {
  readonly name: string;
  /** What the workload's count is now; a test sets it where somebody else scales. */
  replicas: number;
  /** Another session to speak through, after the first was lost. */
  client: pg.Client;
  report(more?: object): Promise<{ requests: number }>;
  take(): Promise<Request | null>;
  /** Scales, and says so. */
  carryOut(request: Request): Promise<void>;
  fail(request: Request, error: string): Promise<void>;
  /** Takes the next request, which must be there, and carries it out. */
  serve(): Promise<Request>;
}

export function fakeActuator(
  client: pg.Client,
  workload: string,
  replicas: number,
  name = "fake",
): FakeActuator {
  const actuator: FakeActuator = {
    name,
    replicas,
    client,
    report: (more = {}) =>
      valueOf(actuator.client, "SELECT ruvector_healing_actuator_report($1, $2)", [
        name,
        JSON.stringify({ workload, replicas: actuator.replicas, ...more }),
      ]),
    take: () =>
      valueOf<Request | null>(actuator.client, "SELECT ruvector_healing_actuation_take($1)", [
        name,
      ]),
    carryOut: async ({ id, wanted }) => {
      actuator.replicas = wanted.replicas;
      await actuator.client.query("SELECT ruvector_healing_actuation_answer($1, true, $2)", [
        id,
        JSON.stringify({ replicas: wanted.replicas }),
      ]);
      await actuator.report();
    },
    fail: async ({ id }, error) => {
      await actuator.client.query("SELECT ruvector_healing_actuation_answer($1, false, $2)", [
        id,
        JSON.stringify({ error }),
      ]);
      await actuator.report();
    },
    serve: async () => {
      const request = await actuator.take();
      if (!request) throw new Error("there is no request to take");
      await actuator.carryOut(request);
      return request;
    },
  };
  return actuator;
}
