/**
 * /metrics: what the database says of the loop, then the actuator's own. Without the database only
 * the latter: whether it is there is one of them.
 */
import { answer, type Handler, pathOf } from "./http.ts";
import type { Reader } from "./reader.ts";

export const metrics =
  (reader: Reader, own: () => Promise<string>, failed: (error: unknown) => void): Handler =>
  async (request, response) => {
    if (pathOf(request) !== "/metrics") return false;
    let loop = "";
    try {
      const rows = await reader.query<{ text: string }>(
        "SELECT ruvector.ruvector_healing_metrics() AS text",
      );
      loop = rows[0]?.text ?? "";
    } catch (error) {
      failed(error);
      loop =
        "# The loop's metrics are not to be had: " +
        `${(error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ")}\n`;
    }
    return answer(response, 200, "text/plain; version=0.0.4; charset=utf-8", loop + (await own()));
  };
