/** What `ruvector-healing --help` prints in a checkout before any package is installed. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { root, version } from "../../build/project.ts";
import { makeProgram } from "../../src/commands/program.ts";

const run = promisify(execFile);
let checkout: string;
const command = (...words: string[]) =>
  run(process.execPath, [join(checkout, "src/commands/bin.mjs"), ...words]);

/** A checkout without packages. */
beforeAll(async () => {
  checkout = await mkdtemp(join(tmpdir(), "ruvector-healing-help-"));
  for (const path of ["src/commands", "build", "package.json", "package-lock.json"])
    await cp(join(root, path), join(checkout, path), {
      recursive: true,
      filter: (from) => !from.includes("node_modules"),
    });
});
afterAll(() => rm(checkout, { recursive: true, force: true }));

it("is src/commands/help.txt, which is what the program would print at 80 columns", async () => {
  const program = makeProgram().configureHelp({ helpWidth: 80 });
  const printed = program.helpInformation();
  if (process.env["RUVECTOR_HEALING_HELP"] === "write")
    await (await import("node:fs/promises")).writeFile("src/commands/help.txt", printed);
  // RUVECTOR_HEALING_HELP=write npm run test:unit -- test/unit/help.test.ts renews it.
  expect(await readFile("src/commands/help.txt", "utf8")).toBe(printed);
});

it("needs no package and installs none: help, a subcommand's help, the version", async () => {
  const text = await readFile(join(root, "src/commands/help.txt"), "utf8");
  expect((await command()).stdout).toBe(text);
  expect((await command("--help")).stdout).toBe(text);
  expect((await command("watch", "--help")).stdout).toContain("watch --help has its options");
  expect((await command("--version")).stdout.trim()).toBe(version);
});

it("of a program of the checkout says where its options stand, and installs nothing", async () => {
  const { stdout } = await run(process.execPath, [
    join(checkout, "build/run.mjs"),
    ...["--omit=dev", "src/workbench/demo/main.ts", "--help"],
  ]);
  expect(stdout).toContain("They are in docs/embedded.md (Using it);");
  const entries = await readFile(join(checkout, "build/run.mjs"), "utf8");
  const named = [...entries.matchAll(/"([\w./-]+\.ts)": "([\w./-]+\.md)/g)];
  expect(named.length).toBeGreaterThan(3);
  for (const path of named.flatMap(([, entry, page]) => [entry!, page!]))
    expect(existsSync(join(root, path)), path).toBe(true);
  expect(existsSync(join(checkout, "node_modules"))).toBe(false);
});
