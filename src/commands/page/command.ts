import type { Command } from "commander";
import { wholeNumber } from "../command-line.ts";

interface Flags {
  readonly port: number;
  readonly host: string;
  readonly operate?: true;
}

/** `ruvector-healing page`: the status page without the actuator. */
export function pageCommand(program: Command): void {
  program
    .command("page")
    .description("Serves the status page for a browser; read-only without --operate.")
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
    .option("--operate", "approve, reject and abort from it; for roles of level operator")
    .action(async (database: string | undefined, { host, port, operate }: Flags) => {
      const { servePage } = await import("./run.ts");
      await servePage(database, { host, port }, operate === true);
    });
}
