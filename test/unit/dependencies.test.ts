/** Each package.json lists the packages that its own files import, all of them at one version. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root } from "../../build/project.ts";

interface Manifest {
  readonly workspaces?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly engines?: { readonly node: string };
}

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const manifest = (folder: string): Manifest =>
  JSON.parse(read(join(folder, "package.json"))) as Manifest;
const listed = ({ dependencies = {}, devDependencies = {} }: Manifest): [string, string][] =>
  Object.entries({ ...dependencies, ...devDependencies });

const workspaces = manifest(".").workspaces!;
/** Projects of their own, which `npm run test:migrations` installs. */
const migrations = readdirSync(join(root, "test/migrations"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => join("test/migrations", name))
  .filter((folder) => existsSync(join(root, folder, "package.json")));
/** Folders with a package.json, the innermost first. */
const packages = [...workspaces, ...migrations, "."];

const files = ["bench", "build", "src", "test"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((path) => join(folder, path))
    .filter((path) => /\.(ts|mjs)$/.test(path)),
);

it("what a file imports is listed where it belongs", () => {
  const missing = files.flatMap((file) => {
    const owner = packages.find((folder) => folder === "." || file.startsWith(`${folder}/`))!;
    const names = new Set(listed(manifest(owner)).map(([name]) => name));
    return [...read(file).matchAll(/^(?:import|export) [^"`;]*\bfrom "([^".][^"]*)"/gm)]
      .map(([, path]) => /^(@[^/]+\/)?[^/]+/.exec(path!)![0])
      .filter((name) => !isBuiltin(name) && !names.has(name))
      .map((name) => `${owner}/package.json: ${name} (${file})`);
  });
  expect(missing).toEqual([]);
});

it("a package has one version wherever it is listed, and that is pinned", () => {
  const versions = new Map<string, Set<string>>();
  for (const [name, version] of packages.flatMap((folder) => listed(manifest(folder))))
    versions.set(name, (versions.get(name) ?? new Set()).add(version));
  expect(
    [...versions].filter(([, all]) => all.size > 1 || !/^\d+\.\d+\.\d+$/.test([...all][0]!)),
  ).toEqual([]);
});

it("every package asks for the same Node.js, and what stands in for an older one is that", () => {
  const { version, packages: pinned } = JSON.parse(read("build/node.json")) as {
    version: string;
    packages: Record<string, { name: string; integrity: string }>;
  };
  const asked = [".", ...workspaces].map((folder) => manifest(folder).engines?.node);
  expect(new Set(asked)).toEqual(new Set(asked.slice(0, 1)));
  const [major, minor] = asked[0]!.match(/\d+/g)!.map(Number) as [number, number];
  const [itsMajor, itsMinor] = version.split(".").map(Number) as [number, number];
  expect(itsMajor).toBe(major);
  expect(itsMinor).toBeGreaterThanOrEqual(minor);
  for (const { integrity } of Object.values(pinned))
    expect(integrity).toMatch(/^sha512-[\w+/]{86}==$/);
  expect(read("src/workbench/compose/Dockerfile")).toContain(`NODE_IMAGE=node:${major}.`);
});

it("the lock file names no registry", () => {
  expect(read("package-lock.json")).not.toMatch(/"resolved": "\w+:/);
});

it("the lock file has every optional package that one in it names: npm ci refuses it else", () => {
  const { packages: locked } = JSON.parse(read("package-lock.json")) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>;
  };
  const there = new Set(Object.keys(locked).map((path) => path.split("node_modules/").pop()));
  const named = Object.values(locked).flatMap((one) => Object.keys(one.optionalDependencies ?? {}));
  expect(named.filter((name) => !there.has(name))).toEqual([]);
});
