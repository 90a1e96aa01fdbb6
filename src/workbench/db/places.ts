import { readFileSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { root } from "../project.ts";
import { codeOf, ServerProblem } from "./problem.ts";

/**
 * The providers that make a server themselves, the last two of what a person names (site.ts);
 * "external" is another kind of server.
 */
export type MadeKind = "docker" | "debootstrap" | "root" | "bindir";

const folder = join(root, "src/workbench/db/recipe");

/** What the folder and the image are made from; both providers read the same files. */
export const recipe = {
  folder,
  configuration: join(folder, "postgresql.conf"),
  packages: (): string[] =>
    readFileSync(join(folder, "packages"), "utf8").split(/\s+/).filter(Boolean),
  extensions: (): string[] =>
    readFileSync(join(folder, "extensions.sql"), "utf8")
      .split("\n")
      .filter((line) => line.trim() !== ""),
};

export const database = "ruvector";
export const superuser = "postgres";
/** Where free ports are looked for first; also that of docker-compose.server.yml. */
export const firstPort = 54318;

export function cacheFolder(): string {
  const xdg = process.env["XDG_CACHE_HOME"];
  return join(
    xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), ".cache"),
    "ruvector-healing",
  );
}

/** What is remembered of an instance between two commands. */
export interface InstanceRecord {
  port?: number;
  /** Extra server settings, on top of recipe/postgresql.conf. */
  settings: Record<string, string>;
  /** Ports of its replicas, by name. */
  replicas?: Record<string, number>;
  /** What it was made of, in words, and the variables that name it. */
  made_of?: string;
  variables?: string;
}

// "docker", or the records of a site.
const recordFolder = (records: string): string => join(cacheFolder(), "instances", records);
const recordFile = (records: string, name: string): string =>
  join(recordFolder(records), `${name}.json`);
export const lockFile = (records: string, name: string): string =>
  join(recordFolder(records), `${name}.lock`);

export async function readRecord(
  records: string,
  name: string,
): Promise<InstanceRecord | undefined> {
  let text: string;
  try {
    text = await readFile(recordFile(records, name), "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  return JSON.parse(text) as InstanceRecord;
}

export async function writeRecord(
  records: string,
  name: string,
  record: InstanceRecord,
): Promise<void> {
  const file = recordFile(records, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.${process.pid}`, `${JSON.stringify(record, null, 2)}\n`);
  await rename(`${file}.${process.pid}`, file);
}

export function removeRecord(records: string, name: string): void {
  rmSync(recordFile(records, name), { force: true });
}

export function recordedNames(records: string): string[] {
  try {
    return readdirSync(recordFolder(records))
      .filter((file) => file.endsWith(".json"))
      .map((file) => file.slice(0, -".json".length));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** Ports of every server that is remembered, running or not. */
export async function rememberedPorts(): Promise<number[]> {
  const all = allRecords().flatMap((records) =>
    recordedNames(records).map((name) => readRecord(records, name)),
  );
  return (await Promise.all(all)).flatMap((record) =>
    [record?.port ?? [], Object.values(record?.replicas ?? {})].flat(),
  );
}

/** All there are: of Docker, of the folder that is made, of every site that was ever named. */
export function allRecords(): string[] {
  try {
    return readdirSync(join(cacheFolder(), "instances"));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** Takes away this program's folders in the cache that hold nothing any more. */
export function removeEmptyFolders(): void {
  for (const folder of [
    ...allRecords().map(recordFolder),
    join(cacheFolder(), "instances"),
    cacheFolder(),
  ]) {
    try {
      rmdirSync(folder);
    } catch (error) {
      if (!["ENOENT", "ENOTEMPTY"].includes(codeOf(error) ?? "")) throw error;
    }
  }
}

export function checkName(name: string): string {
  if (/^[a-z][a-z0-9-]{0,30}$/.test(name)) return name;
  throw new ServerProblem(
    `"${name}" cannot name a server.`,
    "Use up to 31 lower-case letters, digits and dashes, a letter first, for example --name crash.",
  );
}
