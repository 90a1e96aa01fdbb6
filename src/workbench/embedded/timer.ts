/** What pg_cron is on a server: calls the loop again and again, in this process. */
import type { Shared } from "../../plv8-pglite/wire/index.ts";
import { messageOf } from "../db/problem.ts";
import { pause } from "../load.ts";

export interface Timer {
  /** Waits for the tick under way; may be called again. */
  stop(): Promise<void>;
}

/**
 * One tick after another, begun `seconds` apart where they take less; between two statements of
 * others, never within their transactions.
 */
export function startTimer(
  { database, turns }: Shared,
  seconds: number,
  failed: (message: string) => void,
): Timer {
  let running = true;
  let wake = (): void => undefined;
  const done = (async () => {
    while (running) {
      const began = Date.now();
      await turns
        .run(() => database.exec("CALL ruvector_healing_tick()"))
        .catch((error: unknown) => running && failed(messageOf(error)));
      const rest = seconds * 1000 - (Date.now() - began);
      if (running && rest > 0)
        await Promise.race([pause(rest), new Promise<void>((resolve) => (wake = resolve))]);
    }
  })();
  return {
    async stop() {
      running = false;
      wake();
      await done;
    },
  };
}
