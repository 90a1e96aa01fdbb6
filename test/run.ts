/**
 * npm test: type check, unit tests (no server), the tests on PGlite, then those on the real server; npm run test:unit,
 * test:embedded, test:server and npm run check run a part. Ends with the line "N passed, N failed". npm run test:watch runs the unit and the
 * embedded tests again as files are saved.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../build/project.ts";

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

const counts = { passed: 0, failed: 0, skipped: 0 };

function check(): void {
  for (const project of ["tsconfig.json", "build/tsconfig.bundle.json", "build/tsconfig.page.json"]) {
    const { status } = spawnSync(join(root, "node_modules/.bin/tsc"), ["--noEmit", "-p", project], { cwd: root, stdio: "inherit" });
    counts[status === 0 ? "passed" : "failed"]++;
    console.log(`type check with ${project}: ${status === 0 ? "passed" : "failed"}`);
  }
}

function vitest(project: "unit" | "embedded" | "server", files: readonly string[]): void {
  const folder = mkdtempSync(join(tmpdir(), "ruvector-healing-test-"));
  const outcome = join(folder, "report.json");
  const { status } = spawnSync(
    join(root, "node_modules/.bin/vitest"),
    ["run", "--config", "test/vitest.config.ts", "--project", project, "--reporter=default", "--reporter=json", `--outputFile.json=${outcome}`, ...files],
    { cwd: root, stdio: "inherit" },
  );
  try {
    const report = JSON.parse(readFileSync(outcome, "utf8")) as Report;
    counts.passed += report.numPassedTests;
    counts.failed += report.numFailedTests;
    counts.skipped += report.numPendingTests;
    // A file that failed before its first test, or a server that did not start, has no failed test to count.
    const broken = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0).length;
    counts.failed += broken;
    if (status !== 0 && report.numFailedTests + broken === 0) counts.failed++;
  } catch {
    console.error(`the ${project} tests left no report: they did not start`);
    counts.failed++;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs until it is stopped. */
function watch(files: readonly string[]): never {
  const projects = ["unit", "embedded"].flatMap((project) => ["--project", project]);
  const { status } = spawnSync(join(root, "node_modules/.bin/vitest"), ["watch", "--config", "test/vitest.config.ts", ...projects, ...files], { cwd: root, stdio: "inherit" });
  process.exit(status ?? 1);
}

const [what = "all", ...files] = process.argv.slice(2);
if (what === "watch") watch(files);
if (what === "all" || what === "check") check();
if (what === "all" || what === "unit") vitest("unit", files);
if (what === "all" || what === "embedded") vitest("embedded", files);
if (what === "all" || what === "server") vitest("server", files);
console.log(`${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ""}`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
