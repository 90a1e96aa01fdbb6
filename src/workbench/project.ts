/**
 * The checkout, and the install scripts made from it. The build is a program: it is run, and
 * nothing here imports it.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

/** The procedural languages served; the same bundle runs on both. */
export type Language = "plv8" | "pljs";

export const root = fileURLToPath(new URL("../../", import.meta.url));

/** The install scripts as the sources are now: dist/. What goes wrong is on standard error. */
export async function build(): Promise<void> {
  await execa(process.execPath, ["--import", "tsx", "build/build.ts", "scripts"], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** In the published package it lies beside the commands; in a checkout it is built. */
export async function installScript(language: Language): Promise<string> {
  const file = `ruvector_healing.${language}.sql`;
  const published = new URL(`../sql/${file}`, import.meta.url);
  if (existsSync(published)) return readFile(published, "utf8");
  await build();
  return readFile(join(root, "dist", file), "utf8");
}
