/**
 * One data directory with pgvector for all files: opening from it takes a second, initdb several.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { openEmbedded } from "../../index.ts";

declare module "vitest" {
  interface ProvidedContext {
    embeddedSnapshot: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "plv8-pglite-"));
  const file = join(folder, "snapshot.tar.gz");
  const database = await openEmbedded();
  await database.exec("CREATE EXTENSION vector");
  await writeFile(file, await database.dumpDataDir());
  await database.close();
  project.provide("embeddedSnapshot", file);
  return () => rm(folder, { recursive: true, force: true });
}
