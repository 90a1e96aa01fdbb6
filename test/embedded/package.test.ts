/**
 * The published package: packed, installed into an empty folder with no registry, and run. And npx
 * in a checkout.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makePackage } from "../../build/package.ts";
import { root, version } from "../../build/project.ts";

const run = promisify(execFile);
let folder: string;
let installed: string;

const command = (...flags: string[]) =>
  run(join(folder, "app/node_modules/.bin/ruvector-healing"), flags, {
    cwd: folder,
    env: { PATH: process.env["PATH"], HOME: folder },
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ruvector-healing-package-"));
  const tarball = await makePackage(folder);
  // A registry that is not there: whatever were to be fetched would fail.
  await run(
    "npm",
    [
      "install",
      "--prefix",
      join(folder, "app"),
      "--registry",
      "http://127.0.0.1:9/",
      "--fetch-retries",
      "0",
      "--no-audit",
      "--no-fund",
      "--cache",
      join(folder, "cache"),
      tarball,
    ],
    { cwd: folder },
  );
  installed = join(folder, "app/node_modules/ruvector-healing");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("needs no other package, and runs", async () => {
  expect(
    (await readdir(join(folder, "app/node_modules"))).filter((name) => !name.startsWith(".")),
  ).toEqual(["ruvector-healing"]);
  expect((await command("--version")).stdout.trim()).toBe(version);
  const { stdout } = await command("--help");
  expect(stdout).toContain("actuator");
  expect((await command("actuator", "--help")).stdout).toContain("--workload");
});

it("is a client for code, with types that stand alone", async () => {
  const program = `
    import { HealingClient } from "ruvector-healing";
    const asked = [];
    const healing = new HealingClient({ query: async (text) => (asked.push(text), { rows: [] }) });
    await healing.verdict({ collection: "docs" });
    console.log(asked[0]);`;
  await writeFile(join(folder, "app/program.mjs"), program);
  const { stdout } = await run(process.execPath, [join(folder, "app/program.mjs")]);
  expect(stdout).toContain("ruvector.ruvector_healing_verdict(collection => $1::text)");
  await writeFile(
    join(folder, "app/typed.mts"),
    'import { HealingClient } from "ruvector-healing";\n' +
      "declare const on: { query(text: string): Promise<{ rows: unknown[] }> };\n" +
      "const [row] = await new HealingClient(on).verdict();\n" +
      "export const verdict: string | null = row!.verdict;\n" +
      "// @ts-expect-error a number is no collection\n" +
      "void new HealingClient(on).trigger({ collection: 7 });\n",
  );
  // As in a project with "module": "nodenext", which follows the package's exports.
  await run(join(root, "node_modules/.bin/tsc"), [
    ...[join(folder, "app/typed.mts"), "--ignoreConfig", "--noEmit", "--strict"],
    ...["--module", "nodenext", "--moduleResolution", "nodenext", "--target", "es2022"],
  ]);
});

it("is found by who reads no exports, and by require()", async () => {
  // TypeScript 5 with "module": "commonjs", NestJS's and others' default, looks for these.
  const manifest = JSON.parse(await readFile(join(installed, "package.json"), "utf8")) as {
    main: string;
    types: string;
  };
  expect(await readFile(join(installed, manifest.types), "utf8")).toContain("HealingClient");
  const program = 'console.log(typeof require("ruvector-healing").HealingClient)';
  const { stdout } = await run(process.execPath, ["-e", program], { cwd: join(folder, "app") });
  expect(stdout.trim()).toBe("function");
  expect((await stat(join(installed, manifest.main))).isFile()).toBe(true);
});

it("has the install scripts, the manifests, the licenses of what is in the bundle", async () => {
  for (const path of [
    "sql/ruvector_healing.plv8.sql",
    "sql/ruvector_healing.pljs.sql",
    "docs/kubernetes/rbac.yaml",
    "README.md",
    "LICENSE",
  ])
    expect((await stat(join(installed, path))).size, path).toBeGreaterThan(100);
  const readme = await readFile(join(installed, "README.md"), "utf8");
  expect(readme).toMatch(/^# ruvector-healing\n/);
  const links = [...readme.matchAll(/\]\(([\w/.-]+)/g)].map(([, path]) => path!);
  expect(links.length).toBeGreaterThan(5);
  for (const path of links) expect((await stat(join(installed, path))).size).toBeGreaterThan(100);
  const licenses = await readFile(join(installed, "cli/LICENSES.txt"), "utf8");
  for (const name of ["@kubernetes/client-node", "pg ", "commander", "prom-client"])
    expect(licenses).toContain(name);
  expect(await readFile(join(installed, "package.json"), "utf8")).not.toContain("ependencies");
  expect(JSON.parse(await readFile(join(installed, "package.json"), "utf8"))).toMatchObject({
    keywords: expect.arrayContaining(["pgvector"]),
  });
});

it("speaks to Kubernetes from the bundle: it says what is wrong with its credentials", async () => {
  await expect(
    command(
      "actuator",
      "postgresql://localhost:1/none",
      "--workload",
      "deployment/default/x",
      "--kubeconfig",
      "/does/not/exist",
      "--listen",
      "127.0.0.1:0",
    ),
  ).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      "the credentials for Kubernetes (/does/not/exist) cannot be read",
    ),
  });
  await expect(
    command(
      "actuator",
      "postgresql://localhost:1/none",
      "--workload",
      "deployment/default/x",
      "--listen",
      "127.0.0.1:0",
    ),
  ).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("neither --kubeconfig, nor KUBECONFIG"),
  });
});

it("runs as npx in a checkout, also where npx remembers a place the program has left", async () => {
  const cache = join(folder, "npx");
  const npx = async () =>
    (
      await run("npx", ["--cache", cache, "--no-install", "ruvector-healing", "--version"], {
        cwd: root,
      })
    ).stdout.trim();
  expect(await npx()).toBe(version);
  // Nothing renews what it wrote down at the first call: a checkout that moved its program, as this
  // one did, was "not found" from then on.
  const remembered = await readdir(join(cache, "_npx"));
  expect(remembered).toHaveLength(1);
  const link = join(cache, "_npx", remembered[0] ?? "", "node_modules/.bin/ruvector-healing");
  await rm(link);
  await symlink("../ruvector-healing/src/gone/bin.mjs", link);
  expect(await npx()).toBe(version);
});

it("runs from any folder", async () => {
  const { stdout } = await run("node", [join(root, "src/commands/bin.mjs"), "--version"], {
    cwd: folder,
  });
  expect(stdout.trim()).toBe(version);
});
