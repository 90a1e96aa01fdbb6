/** Builds, and has the snapshot of an embedded database with everything installed made, once a version; every test file opens it. */
import type { TestProject } from "vitest/node";
import { build } from "../../build/build.ts";
import { snapshotFile } from "../../src/cli/embedded/snapshot.ts";

declare module "vitest" {
  interface ProvidedContext {
    healingSnapshot: string;
  }
}

export default async function setup(project: TestProject): Promise<void> {
  await build();
  project.provide("healingSnapshot", await snapshotFile({ log: (line) => console.error(line) }));
  project.provide("engine", "embedded");
  project.provide("language", "plv8");
}
