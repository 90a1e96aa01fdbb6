/** Work that goes on beside what is being watched, each on a connection of its own. */
import pg from "pg";

export interface Failures {
  /** How often, by SQLSTATE; "connection" where the server gave none. */
  readonly errors: Record<string, number>;
}

export interface Running<T> {
  readonly result: T;
  /** Waits for the statement that is under way; may be called again. */
  stop(): Promise<void>;
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Takes turns on a connection of its own until it is stopped; errors are counted, not thrown. */
export async function loop<T extends Failures>(
  url: string,
  result: T,
  turn: (client: pg.Client) => Promise<void>,
  rest: number,
): Promise<Running<T>> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  return repeat(client, result, turn, rest);
}

/** The same on a connection that is there, which it ends. */
export function repeat<T extends Failures, Connection extends { end(): Promise<void> }>(
  client: Connection,
  result: T,
  turn: (client: Connection) => Promise<void>,
  rest: number,
): Running<T> {
  let running = true;
  const done = (async () => {
    while (running) {
      try {
        await turn(client);
      } catch (error) {
        const code = (error as { code?: string }).code ?? "connection";
        result.errors[code] = (result.errors[code] ?? 0) + 1;
      }
      await pause(rest);
    }
    await client.end().catch(() => undefined);
  })();
  return {
    result,
    stop: async () => {
      running = false;
      await done;
    },
  };
}

export function percentile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return value === undefined ? null : Number(value.toFixed(1));
}
