/**
 * The tools' packages, in the cache folder, fetched when they are asked for: those of npm in the
 * versions of a tool's package.json, those of Debian unpacked (nothing is installed).
 */
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { execa } from "execa";
import { root } from "../../build/project.ts";
import { adminEnvironment } from "../../src/workbench/db/files.ts";
import { withLock } from "../../src/workbench/db/lock.ts";
import { cacheFolder } from "../../src/workbench/db/places.ts";
import type { Tool } from "./tools.ts";

export const projectOf = ({ name }: Tool): string => join(root, "test/migrations", name);

/** A folder of the cache that is made once, by one process; half a one is never taken for it. */
async function once(name: string, make: (folder: string) => Promise<unknown>): Promise<string> {
  const folder = join(cacheFolder(), "migrations", name);
  await mkdir(join(cacheFolder(), "migrations"), { recursive: true });
  await withLock(`${folder}.lock`, {}, async () => {
    if (existsSync(folder)) return;
    const making = `${folder}.making-${process.pid}`;
    await mkdir(making);
    try {
      await make(making);
      await rename(making, folder);
    } finally {
      await rm(making, { recursive: true, force: true });
    }
  });
  return folder;
}

const readJson = async <T>(path: string): Promise<T> =>
  JSON.parse(await readFile(path, "utf8")) as T;

/** The tool's version by its package.json, and the node_modules that have it. */
async function npm(tool: Tool): Promise<{ modules: string; version: string }> {
  const manifest = join(projectOf(tool), "package.json");
  const wanted = Object.entries(
    (await readJson<{ dependencies: Record<string, string> }>(manifest)).dependencies,
  );
  const version = wanted.find(([name]) => name === (tool.package ?? tool.name))![1];
  const ours = join(root, "node_modules");
  const has = await Promise.all(
    wanted.map(([name, its]) =>
      readJson<{ version: string }>(join(ours, name, "package.json")).then(
        (found) => found.version === its,
        () => false,
      ),
    ),
  );
  if (has.every(Boolean)) return { modules: ours, version };
  const hash = createHash("sha256").update(JSON.stringify(wanted)).digest("hex").slice(0, 12);
  const folder = await once(`${tool.name}-${hash}`, async (making) => {
    await cp(manifest, join(making, "package.json"));
    const args = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
    await execa("npm", args, { cwd: making, stdin: "ignore" });
  });
  return { modules: join(folder, "node_modules"), version };
}

/** What apt-get would install beside what is there; the system's own perl will do. */
async function download(packages: readonly string[], cwd: string): Promise<void> {
  const apt = (...args: string[]) =>
    execa("apt-get", args, { cwd, env: adminEnvironment, stdin: "ignore" });
  const { stdout } = await apt("-s", "install", "--no-install-recommends", ...packages);
  const wanted = [...stdout.matchAll(/^Inst (\S+)/gm)]
    .map(([, name]) => name!)
    .filter((name) => !/^(lib)?perl(-base|-modules-[\d.]+|[\d.]+)?$/.test(name));
  if (wanted.length > 0) await apt("download", ...wanted);
}

const debian = (tool: Tool): Promise<string> =>
  once(`${tool.name}-debian`, async (making) => {
    await download(tool.debian!, making).catch(async () => {
      await execa("apt-get", ["update"], { env: adminEnvironment, stdin: "ignore" });
      await download(tool.debian!, making);
    });
    for (const file of (await readdir(making)).filter((name) => name.endsWith(".deb"))) {
      await execa("dpkg-deb", ["-x", file, "."], { cwd: making });
      await rm(join(making, file));
    }
  });

export interface Fetched {
  readonly version: string;
  /** node_modules for the project; none for Debian's. */
  readonly modules: string | null;
  readonly environment: Readonly<Record<string, string>>;
}

/** @throws where they cannot be had */
export async function fetched(tool: Tool): Promise<Fetched> {
  if (tool.debian === undefined) {
    const { modules, version } = await npm(tool);
    const path = `${join(modules, ".bin")}:${process.env["PATH"]}`;
    return { version, modules, environment: { PATH: path } };
  }
  const folder = await debian(tool);
  const below = async (path: string, name = ""): Promise<string[]> =>
    (await readdir(path).catch(() => [])).map((one) => join(path, one, name));
  const compiled = await below(join(folder, "usr/lib"), "perl5");
  const perl = (await Promise.all(compiled.map((path) => below(path)))).flat();
  const environment = {
    PATH: `${join(folder, "usr/bin")}:${process.env["PATH"]}`,
    PYTHONPATH: join(folder, "usr/lib/python3/dist-packages"),
    PERL5LIB: [join(folder, "usr/share/perl5"), ...perl].join(":"),
  };
  const [command, ...args] = tool.version!;
  const { stdout } = await execa(command!, args, { env: environment, stdin: "ignore" });
  return { version: /\d+(\.\d+)+/.exec(stdout)![0], modules: null, environment };
}
