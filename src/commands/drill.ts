/**
 * `ruvector-healing drill` is a program of its own, as git has them: the workbench's, which makes
 * servers. The published package has it beside this file's bundle.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";

const programs = ["drill.js", "../workbench/drill/main.ts"].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

export function drillCommand(program: Command): void {
  program.command(
    "drill",
    "Causes faults for real, on a throwaway server or on that of DATABASE_URL, and lets the loop " +
      "heal them.",
    { executableFile: programs.find((file) => existsSync(file)) ?? "drill.js" },
  );
}
