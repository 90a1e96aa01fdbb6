/**
 * npm test: checks and unit tests (no server) while the throwaway server is made, then the
 * tests on PGlite and those on the real server side by side: much of the latter is waiting. npm run
 * test:unit, test:embedded, test:server and npm run check run a part. Ends with the line "N passed,
 * N failed". As files are saved, npm run dev checks types and runs unit tests, npm run test:watch
 * unit and embedded tests.
 */
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../build/project.ts";
import { longLines } from "./lines.ts";
import { SETTINGS } from "./server/support/settings.ts";

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly unknown[];
  }[];
}

type Project = "unit" | "embedded" | "server";

const counts = { passed: 0, failed: 0, skipped: 0 };
const vitestProgram = join(root, "node_modules/.bin/vitest");

const children = new Set<ChildProcess>();
let stopped = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    stopped = true;
    for (const child of children) child.kill(signal);
  });
}

/** Ends with the program; what it printed, where that was asked for. */
async function run(
  command: string,
  args: readonly string[],
  stdio: StdioOptions,
  detached = false,
): Promise<{ status: number; output: string; pid: number | undefined }> {
  const child = spawn(command, args, { cwd: root, stdio, detached });
  children.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => void (output += chunk.toString()));
  const status = await new Promise<number>((resolve) => {
    child.on("error", (error) => {
      output += `${error.message}\n`;
      resolve(1);
    });
    child.on("close", (code) => resolve(code ?? 1));
  });
  children.delete(child);
  // Stopped: what would come next does not.
  if (stopped) process.exit(130);
  return { status, output, pid: child.pid };
}

/** Types, format, lint rules and the length of lines: what needs no test to run. */
async function check(): Promise<void> {
  for (const project of [
    "tsconfig.json",
    "build/tsconfig.bundle.json",
    "build/tsconfig.page.json",
  ]) {
    const { status } = await run(
      join(root, "node_modules/.bin/tsc"),
      ["--noEmit", "-p", project],
      "inherit",
    );
    done(`type check with ${project}`, status === 0);
  }
  const format = await run(join(root, "node_modules/.bin/oxfmt"), ["--check"], "inherit");
  done("format (npm run format mends it)", format.status === 0);
  const rules = await run(join(root, "node_modules/.bin/oxlint"), ["--type-aware"], "inherit");
  done("rules of .oxlintrc.json", rules.status === 0);
  const catalogue = ["--import", "tsx", "test/catalogue/main.ts"];
  const { status: drift } = await run(process.execPath, catalogue, "inherit");
  done("catalogue (npm run catalogue -- --write renews it)", drift === 0);
  const long = longLines();
  for (const line of long) console.log(line);
  done("no line over 100 columns", long.length === 0);
}

function done(what: string, passed: boolean): void {
  counts[passed ? "passed" : "failed"]++;
  console.log(`${what}: ${passed ? "passed" : "failed"}`);
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}

async function vitest(projects: readonly Project[], files: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "ruvector-healing-test-"));
  const outcome = join(folder, "report.json");
  const named = projects.flatMap((project) => ["--project", project]);
  const reports = ["default", "json", "./test/support/silence.ts"].map(
    (one) => `--reporter=${one}`,
  );
  // A group of its own: a worker that never ends is ended with it.
  const { status, pid } = await run(
    vitestProgram,
    [
      ...["run", "--config", "test/vitest.config.ts", ...named],
      ...[...reports, `--outputFile.json=${outcome}`, ...files],
    ],
    "inherit",
    true,
  );
  try {
    const report = JSON.parse(readFileSync(outcome, "utf8")) as Report;
    counts.passed += report.numPassedTests;
    counts.failed += report.numFailedTests;
    counts.skipped += report.numPendingTests;
    // A file that failed before its first test, or a server that did not start, has no failed test
    // to count.
    const broken = report.testResults.filter(
      (file) => file.status === "failed" && file.assertionResults.length === 0,
    ).length;
    counts.failed += broken;
    if (status !== 0 && report.numFailedTests + broken === 0) counts.failed++;
  } catch {
    console.error(`the ${projects.join(" and ")} tests left no report: they did not start, or end`);
    if (pid !== undefined) endGroup(pid);
    counts.failed++;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * With the settings of the tests' global setup, or it would be restarted there. Where it has to be
 * made first, that is a minute of downloads and unpacking. Its words are kept: they would come
 * between those of the tests.
 */
const prepareServer = (): ReturnType<typeof run> =>
  run(
    process.execPath,
    [
      "--import",
      "tsx",
      "src/workbench/db/main.ts",
      "start",
      ...Object.entries(SETTINGS).flatMap(([name, value]) => ["--set", `${name}=${value}`]),
      "--name",
      process.env["RUVECTOR_HEALING_TEST_SERVER"] ?? "test",
    ],
    ["ignore", "pipe", "pipe"],
  );

async function everything(files: readonly string[]): Promise<void> {
  const preparing = prepareServer();
  await check();
  await vitest(["unit"], files);
  const { status, output } = await preparing;
  if (status === 0) return vitest(["embedded", "server"], files);
  console.error(`There is no server for the server tests, which are not run:\n${output}`);
  counts.failed++;
  await vitest(["embedded"], files);
}

/** As files are saved: the tests they concern, and where asked for the types. Until stopped. */
async function watch(
  projects: readonly Project[],
  { types }: { readonly types: boolean },
  files: readonly string[],
): Promise<never> {
  const named = projects.flatMap((project) => ["--project", project]);
  const watching = ["--noEmit", "--watch", "--preserveWatchOutput", "-p", "tsconfig.json"];
  const { status } = await Promise.race([
    run(
      vitestProgram,
      ["watch", "--config", "test/vitest.config.ts", ...named, ...files],
      "inherit",
    ),
    ...(types
      ? [run(join(root, "node_modules/.bin/tsc"), watching, ["ignore", "inherit", "inherit"])]
      : []),
  ]);
  for (const child of children) child.kill();
  process.exit(status);
}

const HELP = `npm test                         everything: checks, unit, embedded and server tests
npm run check                    types, format, rules, catalogue
npm run test:unit                without a database
npm run test:embedded            on PostgreSQL in the process
npm run test:server              on the throwaway server
npm run dev, npm run test:watch  again as files are saved

Each takes files after --, as npm run test:server -- test/server/writers.test.ts
Variables (RUVECTOR_HEALING_TEST_SERVER, ...) and other suites: docs/testing.md`;

const [what = "all", ...files] = process.argv.slice(2);
if ([what, ...files].some((word) => word === "--help" || word === "-h")) {
  console.log(HELP);
  process.exit(0);
}
if (what === "watch") await watch(["unit", "embedded"], { types: false }, files);
else if (what === "dev") await watch(["unit"], { types: true }, files);
else if (what === "all") await everything(files);
else if (what === "check") await check();
else if (what === "unit" || what === "embedded" || what === "server") await vitest([what], files);
console.log(
  `${counts.passed} passed, ${counts.failed} ` +
    `failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ""}`,
);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
