#!/usr/bin/env node
// `npx ruvector-healing`: in a checkout the commands run from source (packages are installed on
// first use), in the published package from one
// bundled file that needs nothing but Node.js.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("main.ts", import.meta.url));
if (existsSync(source)) {
  process.argv.splice(2, 0, "src/commands/main.ts");
  await import("../../build/run.mjs");
} else {
  await import("./main.js");
}
