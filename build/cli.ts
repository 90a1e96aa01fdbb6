/**
 * The commands beside the database as plain JavaScript: dist/cli/main.js, dist/cli/drill.js and
 * their parts, which need Node.js and no package. Parts, so that `ruvector-healing status` does not
 * load what Kubernetes needs.
 */
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { makePage } from "./page.ts";
import { root, version } from "./project.ts";

export const CLI_FOLDER = join(root, "dist", "cli");

export interface Built {
  readonly sizes: readonly string[];
  /** Folders of the packages that are in it. */
  readonly packages: readonly string[];
}

/**
 * Written beside and put in place as a whole: a process that starts meanwhile finds the old one or
 * the new one.
 */
export async function buildCli(folder = CLI_FOLDER): Promise<Built> {
  const fresh = `${folder}.${process.pid}`;
  const result = await build({
    entryPoints: {
      main: join(root, "src/commands/main.ts"),
      drill: join(root, "src/workbench/drill/main.ts"),
    },
    absWorkingDir: root,
    outdir: fresh,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22",
    minifySyntax: true,
    minifyWhitespace: true,
    // Names stay: they are what a stack trace says.
    keepNames: false,
    legalComments: "linked",
    define: { RUVECTOR_HEALING_VERSION: JSON.stringify(version) },
    // CommonJS packages within ask for Node.js's own modules by require.
    banner: {
      js:
        'import { createRequire as __createRequire } from "node:module"; const require = ' +
        "__createRequire(import.meta.url);",
    },
    external: ["pg-native"],
    metafile: true,
    logLevel: "warning",
  });
  await mkdir(join(fresh, "page"), { recursive: true });
  for (const [name, content] of Object.entries(await makePage()))
    await writeFile(join(fresh, "page", name), content);
  await rm(`${folder}.old`, { recursive: true, force: true });
  await rename(folder, `${folder}.old`).catch(() => undefined);
  await rename(fresh, folder);
  await rm(`${folder}.old`, { recursive: true, force: true });
  const inputs = Object.values(result.metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => path),
  );
  return {
    sizes: Object.entries(result.metafile.outputs).map(
      ([path, { bytes }]) => `${basename(path)} ${(bytes / 1024).toFixed(0)} KiB`,
    ),
    packages: [
      ...new Set(
        inputs.flatMap(
          (path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [],
        ),
      ),
    ].sort(),
  };
}

if (process.argv[1]?.endsWith("cli.ts"))
  for (const line of (await buildCli()).sizes) console.log(line);
