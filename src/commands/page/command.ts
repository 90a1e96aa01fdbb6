import type { Command } from "commander";
import { wholeNumber } from "../command-line.ts";

interface Flags {
  readonly port: number;
  readonly host: string;
}

/** `ruvector-healing page`: the status page without the actuator. */
export function pageCommand(program: Command): void {
  program
    .command("page")
    .description("Serves the status page: read-only, for a browser.")
    .argument(
      "[database]",
      "a URL, a conninfo string or a name, as psql takes it; default: DATABASE_URL, then PG*",
    )
    .option("-p, --port <port>", "0: any that is free", wholeNumber(0, 65_535), 8080)
    .option(
      "--host <host>",
      "the address it listens on; others than this machine see what is shown",
      "127.0.0.1",
    )
    .action(async (database: string | undefined, { host, port }: Flags) => {
      const { servePage } = await import("./run.ts");
      await servePage(database, { host, port });
    });
}
