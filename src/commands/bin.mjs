#!/usr/bin/env node
// `npx ruvector-healing`: in a checkout the commands run from source (packages are installed on
// first use; --help and --version install nothing), in the published package from one bundled file
// that needs nothing but Node.js. Must itself run on an old one, to say so.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const words = process.argv.slice(2);
const help = words.length === 0 || words.some((word) => word === "--help" || word === "-h");
const alone = words.every((word) => word.startsWith("-"));
const packages = existsSync(here("../../node_modules/commander"));

if (!existsSync(here("main.ts"))) await published();
else if (help && (alone || !packages)) {
  // As the program prints it: test/unit/help.test.ts.
  process.stdout.write(readFileSync(here("help.txt"), "utf8"));
  if (!alone) console.log(`\nnpm ci, and ${words[0]} --help has its options; or docs/cli.md.`);
} else if (alone && (words.includes("--version") || words.includes("-V")))
  console.log(JSON.parse(readFileSync(here("../../package.json"), "utf8")).version);
else {
  const program = [here("../../build/run.mjs"), "src/commands/main.ts", ...words];
  const child = spawn(process.execPath, program, { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? (signal ? 128 : 1)));
}

/** npm only warns of "engines", and what follows on an older Node.js is a SyntaxError. */
async function published() {
  const { engines } = JSON.parse(readFileSync(here("../package.json"), "utf8"));
  const [major, minor] = engines.node.match(/\d+/g).map(Number);
  const [itsMajor, itsMinor] = process.versions.node.split(".").map(Number);
  if (itsMajor > major || (itsMajor === major && itsMinor >= minor)) return import("./main.js");
  console.error(
    `ruvector-healing needs Node.js ${major}.${minor} or newer; this is ${process.version}.\n` +
      'Install Node.js 22 (https://nodejs.org, or "nvm install 22"), then type the same again.',
  );
  process.exit(1);
}
