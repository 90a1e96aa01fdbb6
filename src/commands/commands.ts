/**
 * The subcommands of `ruvector-healing`: each adds itself to the program, and loads what it needs
 * when it is run.
 */
import type { Command } from "commander";
import { auditKeyCommand } from "./actuator/audit-key-command.ts";
import { actuatorCommand } from "./actuator/command.ts";
import { drillCommand } from "./drill.ts";
import { operateCommands } from "./operate/commands.ts";
import { pageCommand } from "./page/command.ts";
import { setupCommands } from "./setup/commands.ts";
import { terminalCommands } from "./terminal/commands.ts";

export type AddCommand = (program: Command) => void;

export const COMMANDS: readonly AddCommand[] = [
  setupCommands,
  terminalCommands,
  operateCommands,
  pageCommand,
  drillCommand,
  actuatorCommand,
  auditKeyCommand,
];
