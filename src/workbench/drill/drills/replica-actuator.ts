/**
 * An actuator whose workload is the throwaway server's own replicas: it makes and removes real
 * ones. For drills.
 */
import type pg from "pg";
import { findServer, startServer } from "../../db/server.ts";
import { type Failures, loop, type Running } from "../../load.ts";
import type { Stage } from "../drill.ts";

export const WORKLOAD = "drill/replicas";
const NAME = "drill-actuator";

interface Request {
  readonly id: number;
  readonly wanted: { readonly replicas: number };
}

const value = async <T>(client: pg.Client, statement: string, parameters: unknown[]): Promise<T> =>
  Object.values(
    (await client.query<Record<string, T>>(statement, parameters)).rows[0] ?? {},
  )[0] as T;

/** Reports, takes requests and carries them out, once a second. */
export function startReplicaActuator({ server }: Stage): Promise<Running<Failures>> {
  return loop(
    server.url(),
    { errors: {} },
    async (client) => {
      const report = async () => {
        const { length } = (await findServer(server.name)).replicas;
        await client.query("SELECT ruvector_healing_actuator_report($1, $2)", [
          NAME,
          JSON.stringify({ workload: WORKLOAD, replicas: length, max_replicas: 4 }),
        ]);
      };
      await report();
      const request = await value<Request | null>(
        client,
        "SELECT ruvector_healing_actuation_take($1)",
        [NAME],
      );
      if (!request) return;
      try {
        await startServer({ name: server.name, replicas: request.wanted.replicas });
      } catch (error) {
        await client.query("SELECT ruvector_healing_actuation_answer($1, false, $2)", [
          request.id,
          JSON.stringify({ error: String(error) }),
        ]);
        throw error;
      }
      await client.query("SELECT ruvector_healing_actuation_answer($1, true, $2)", [
        request.id,
        JSON.stringify({ replicas: request.wanted.replicas }),
      ]);
      await report();
    },
    1000,
  );
}
