/**
 * Builds, and has the snapshot of an embedded database with everything installed made, once a
 * version; every test file opens it, with a worker that is bundled once: registering TypeScript in
 * each cost 1 s of a core of 2.5.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build as bundle } from "esbuild";
import type { TestProject } from "vitest/node";
import { build } from "../../build/build.ts";
import { root } from "../../build/project.ts";
import { snapshotFile } from "../../src/workbench/embedded/database-snapshot.ts";

declare module "vitest" {
  interface ProvidedContext {
    healingSnapshot: string;
    embeddedWorker: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await build();
  project.provide("healingSnapshot", await snapshotFile({ log: (line) => console.error(line) }));
  // Below node_modules, where what it imports is found; of this process, so that runs side by side
  // do not write the same file.
  const outfile = join(root, `node_modules/.cache/ruvector-healing-test/worker-${process.pid}.mjs`);
  await bundle({
    entryPoints: [join(root, "src/plv8-pglite/worker.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    outfile,
    logLevel: "warning",
  });
  project.provide("embeddedWorker", pathToFileURL(outfile).href);
  project.provide("engine", "embedded");
  project.provide("language", "plv8");
  return () => rm(outfile, { force: true });
}
