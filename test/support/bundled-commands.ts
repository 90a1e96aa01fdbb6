/**
 * The commands as they are published: one bundle, made once a test process. It starts ten times
 * faster than the sources.
 */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildCli } from "../../build/cli.ts";

let made: Promise<string> | undefined;

/** The file to run with node. */
export function bundledCommands(): Promise<string> {
  return (made ??= (async () => {
    const folder = await mkdtemp(join(tmpdir(), "ruvector-healing-cli-"));
    process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
    await buildCli(join(folder, "cli"));
    return join(folder, "cli", "main.js");
  })());
}
