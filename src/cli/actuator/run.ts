/** The actuator's process: until it is told to end. */
import { target } from "../connect.ts";
import { interruption } from "../terminal.ts";
import type { ActuatorFlags } from "./command.ts";
import { handlers } from "./handlers.ts";
import { serve } from "./http.ts";
import { reader } from "./reader.ts";

export async function run(database: string | undefined, { listen }: ActuatorFlags): Promise<void> {
  const to = target(database);
  const signal = interruption("nothing is left behind");
  const reads = reader(to);
  let connected = false;
  const look = async (): Promise<void> => {
    connected = await reads.query("SELECT").then(() => true, () => false);
  };
  await look();
  const timer = setInterval(() => void look(), 5000);
  const serving = await serve(listen, handlers({ reader: reads, health: () => ({ ok: connected, database: to.shown }) }), (error, { url }) =>
    console.error(`${url}: ${error instanceof Error ? error.message : String(error)}`));
  console.error(`Serves ${serving.url} for ${to.shown}.`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  clearInterval(timer);
  await serving.close();
  await reads.end();
}
