import { type Command, InvalidArgumentError } from "commander";
import type { Listen } from "./http.ts";

export function listenAddress(text: string): Listen {
  const match = /^(?:\[([0-9a-f:]+)\]|([^:[\]]*)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) throw new InvalidArgumentError("Write it as host:port, for example 127.0.0.1:9488, 0.0.0.0:9488 or [::1]:9488.");
  return { host: match[1] ?? match[2]!, port };
}

export interface ActuatorFlags {
  readonly dbname?: string;
  readonly listen: Listen;
}

/** `ruvector-healing actuator`. */
export function actuatorCommand(program: Command): void {
  program
    .command("actuator")
    .description("Serves the status page and /healthz beside the database. The loop never depends on it.")
    .argument("[database]", "a URL, a conninfo string or a name, as psql takes it; default: the PG* variables")
    .option("-l, --listen <host:port>", "where the status page, /metrics and /healthz are served", listenAddress, { host: "127.0.0.1", port: 9488 })
    .action(async (database: string | undefined, flags: ActuatorFlags) => {
      const { run } = await import("./run.ts");
      await run(database, flags);
    });
}
