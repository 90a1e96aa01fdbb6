/**
 * /healthz: 200 while the database takes the actuator's reports; /livez: 200 while the process
 * answers at all.
 */
import { answer, type Handler, json, pathOf } from "./http.ts";

export interface HealthState {
  readonly ok: boolean;
  readonly [key: string]: unknown;
}

export const health =
  (state: () => HealthState): Handler =>
  async (request, response) => {
    const path = pathOf(request);
    if (path === "/livez") return answer(response, 200, "text/plain; charset=utf-8", "ok\n");
    if (path !== "/healthz") return false;
    const now = state();
    return json(response, now.ok ? 200 : 503, now);
  };
