#!/usr/bin/env node
// `npx ruvector-healing`: in a checkout the commands run from source (packages are installed on
// first use), in the published package from one bundled file that needs nothing but Node.js.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
if (existsSync(here("main.ts"))) {
  const program = [here("../../build/run.mjs"), "src/commands/main.ts", ...process.argv.slice(2)];
  const child = spawn(process.execPath, program, { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? (signal ? 128 : 1)));
} else {
  await import("./main.js");
}
