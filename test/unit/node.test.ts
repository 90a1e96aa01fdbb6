/** What is said and done on a Node.js that is too old: build/node.mjs, the published package. */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { root } from "../../build/project.ts";

const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ruvector-healing-node-"));
  await writeFile(
    join(folder, "older.mjs"),
    'Object.defineProperty(process, "version", { value: "v20.20.2" });\n' +
      'Object.defineProperty(process, "versions", { value: { node: "20.20.2" } });\n',
  );
  await writeFile(
    join(folder, "ask.mjs"),
    `import { nodeProgram } from ${JSON.stringify(join(root, "build/node.mjs"))};\n` +
      "console.log(JSON.stringify([nodeProgram(), process.env.PATH]));\n",
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** As an older Node.js would, with no registry to be had. */
const older = async (program: string, cache: string) =>
  run(process.execPath, ["--import", join(folder, "older.mjs"), join(folder, program)], {
    env: {
      ...process.env,
      XDG_CACHE_HOME: join(folder, cache),
      npm_config_cache: join(folder, "npm"),
      npm_config_registry: "http://127.0.0.1:9/",
      npm_config_fetch_retries: "0",
    },
  });

it("is asked for alike by every package, and the one that is fetched is such a one", async () => {
  const read = async (path: string) =>
    JSON.parse(await readFile(join(root, path), "utf8")) as Record<string, unknown>;
  const { engines, workspaces } = await read("package.json");
  for (const workspace of workspaces as string[])
    expect((await read(`${workspace}/package.json`))["engines"], workspace).toEqual(engines);
  const least = /^>=(\d+)\.(\d+)$/.exec((engines as { node: string }).node)!.map(Number);
  const [major, minor] = String((await read("build/node.json"))["version"])
    .split(".")
    .map(Number);
  expect(major! > least[1]! || (major === least[1] && minor! >= least[2]!)).toBe(true);
});

it("that cannot be fetched: what to type; nothing half made is left", async () => {
  await expect(older("ask.mjs", "empty")).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /is needed, this is v20\.20\.2: fetching[^]*could not fetch[^]*Install Node\.js 22/,
    ),
  });
  expect(await readdir(join(folder, "empty/ruvector-healing"))).toEqual([]);
});

it("that was fetched is used without network and without a word, first in PATH", async () => {
  const { version } = JSON.parse(await readFile(join(root, "build/node.json"), "utf8")) as {
    version: string;
  };
  const name = `node-${version}-${process.platform}-${process.arch}`;
  const bin = join(folder, "full/ruvector-healing", name, "bin");
  await mkdir(bin, { recursive: true });
  await symlink(process.execPath, join(bin, "node"));
  const { stdout, stderr } = await older("ask.mjs", "full");
  const [program, path] = JSON.parse(stdout) as [string, string];
  expect({ program, stderr }).toEqual({ program: join(bin, "node"), stderr: "" });
  expect(path.split(":")[0]).toBe(bin);
});

it("under the published package: what it needs, not a SyntaxError", async () => {
  await mkdir(join(folder, "cli"));
  await cp(join(root, "src/commands/bin.mjs"), join(folder, "cli/bin.mjs"));
  await writeFile(join(folder, "cli/main.js"), 'console.log("runs");\n');
  const engines = { node: ">=22.12" };
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module", engines }));
  await expect(older("cli/bin.mjs", "none")).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/needs Node\.js 22\.12 or newer; this is v20\.20\.2/),
  });
  const { stdout } = await run(process.execPath, [join(folder, "cli/bin.mjs")]);
  expect(stdout).toBe("runs\n");
});
