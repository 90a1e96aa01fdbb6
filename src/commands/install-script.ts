/**
 * The install script of a language. In the published package it lies beside the commands; in a
 * checkout it is built: the build is a program, it is run, and nothing here imports it.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The procedural languages served; the same bundle runs on both. */
export type Language = "plv8" | "pljs";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The install scripts as the sources are now: dist/. What goes wrong is in the error. */
export async function build(): Promise<void> {
  await promisify(execFile)(process.execPath, ["--import", "tsx", "build/build.ts", "scripts"], {
    cwd: root,
  });
}

export async function installScript(language: Language): Promise<string> {
  const file = `ruvector_healing.${language}.sql`;
  const published = new URL(`../sql/${file}`, import.meta.url);
  if (existsSync(published)) return readFile(published, "utf8");
  await build();
  return readFile(join(root, "dist", file), "utf8");
}
