/** install, upgrade, uninstall, doctor: what is there, and how it comes and goes. */
import type { Command } from "commander";
import { alone, at } from "../terminal/commands.ts";
import type { Common } from "../terminal/session.ts";
import type { SetupFlags } from "./install.ts";
import type { UninstallFlags } from "./uninstall.ts";

export function setupCommands(program: Command): void {
  alone(
    program,
    "install",
    "Installs ruvector_healing, and the extensions that it needs where the server has them; " +
      "running it again changes nothing.",
  )
    .option("--dry-run", "say what would be done")
    .option("--no-extensions", "create no extension: say which is missing")
    .action(async (database: string | undefined, flags: SetupFlags) =>
      (await import("./install.ts")).install(at(database, flags)),
    );
  alone(program, "upgrade", "Brings an older installation up to this version; its state stays.")
    .option("--dry-run", "say what would be done")
    .action(async (database: string | undefined, flags: SetupFlags) =>
      (await import("./install.ts")).upgrade(at(database, flags)),
    );
  alone(
    program,
    "uninstall",
    "Removes ruvector_healing with its state and its pg_cron jobs; your tables stay as they are.",
  )
    .option("-y, --yes", "without asking")
    .action(async (database: string | undefined, flags: UninstallFlags) =>
      (await import("./uninstall.ts")).uninstall(at(database, flags)),
    );
  alone(
    program,
    "doctor",
    "What is missing (language, extensions, rights, schedule, a loop that stands still), and " +
      "what to type on this provider's server. Exits with 0 when nothing is, 3 when something is.",
  ).action(async (database: string | undefined, flags: Common) =>
    (await import("../doctor/run.ts")).doctor(at(database, flags)),
  );
}
