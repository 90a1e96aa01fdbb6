// Runs a TypeScript entry point of this project from a checkout on which nothing was run before:
// installs the locked packages when they are missing or older than the lock file, and a Node.js
// where this one is too old (node.mjs), then hands over.
// Usage: node build/run.mjs [--omit=dev] <entry.ts> [arguments...]
// --omit=dev: the entry needs no devDependencies. Where they are missing they stay away: a third of
// the packages' time.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { nodeProgram } from "./node.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [first, ...others] = process.argv.slice(2);
const light = first === "--omit=dev";
const [entry, ...rest] = light ? others : [first, ...others];

// npm writes node_modules/.package-lock.json last, so its age tells whether an install finished.
const stamp = join(root, "node_modules", ".package-lock.json");
const lock = join(root, "package-lock.json");
const current = existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(lock).mtimeMs;
const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const whole = Object.keys(devDependencies).every((name) =>
  existsSync(join(root, "node_modules", name)),
);
const asked = rest.some((word) => word === "--help" || word === "-h");
// Where the options of an entry are told, for those who look before anything is installed.
const OPTIONS = {
  "src/workbench/demo/main.ts": "docs/embedded.md (Using it)",
  "src/workbench/drill/main.ts": "docs/drill.md",
  "src/workbench/db/main.ts": "docs/development-server.md (Commands)",
  "src/commands/main.ts": "docs/cli.md",
  "bench/main.ts": "bench/README.md",
};
if (asked && !existsSync(stamp)) {
  console.log(
    "Nothing was installed for a look at the options. They are in " +
      `${OPTIONS[entry] ?? "docs/testing.md"};\nafter npm ci, or the command without --help, ` +
      "which install the packages of package-lock.json (once), --help prints them.",
  );
  process.exit(0);
}
const node = nodeProgram();
if (!current || !(whole || light)) {
  console.error("Installing the packages of package-lock.json (once)...");
  // --prefer-offline: the lock file names exact versions with their checksums, so what npm's cache
  // has needs no asking (3 s of 10).
  const install = spawnSync(
    "npm",
    [
      "ci",
      ...(light && !whole ? ["--omit=dev"] : []),
      "--prefer-offline",
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
    ],
    {
      cwd: root,
      stdio: ["ignore", 2, 2],
    },
  );
  if (install.status !== 0) {
    console.error(
      "npm ci failed: see the lines above. The demo and the tests need the packages named in " +
        "package.json.",
    );
    process.exit(install.status ?? 1);
  }
  JSON.parse(readFileSync(stamp, "utf8"));
}

// tsx of this project: its name alone would be looked for from the folder of whoever calls.
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const child = spawn(node, ["--import", tsx, join(root, entry), ...rest], {
  stdio: "inherit",
  cwd: process.cwd(),
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal ? 128 : 1)));
