/**
 * npm run pack: the package as it is published, dist/ruvector-healing-<version>.tgz: the commands
 * in one bundle (no dependencies: nothing is fetched on installing, and nobody else's update gets
 * in), the install scripts, the docs. Its package.json is made here: the checkout's names what
 * developers need.
 */
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { build as bundle } from "esbuild";
import { build } from "./build.ts";
import { buildCli } from "./cli.ts";
import { LANGUAGES, root, version } from "./project.ts";

interface Manifest {
  readonly name: string;
  readonly description: string;
  readonly license: string;
  readonly keywords: readonly string[];
  readonly engines: Record<string, string>;
}

/** Licenses of what is in the bundle, as they ask to be passed on. */
async function licenses(packages: readonly string[]): Promise<string> {
  const texts = await Promise.all(
    packages.map(async (folder) => {
      const {
        name,
        version: its,
        license = "see its page",
      } = JSON.parse(await readFile(join(root, folder, "package.json"), "utf8")) as {
        name: string;
        version: string;
        license?: string;
      };
      const file = (await readdir(join(root, folder))).find((one) => /^licen[cs]e/i.test(one));
      const text = file === undefined ? "" : await readFile(join(root, folder, file), "utf8");
      return `${name} ${its} (${license})\n\n${text.trim()}\n`;
    }),
  );
  return `What the commands in cli/ contain of others.\n\n${texts.join(`\n${"-".repeat(80)}\n\n`)}`;
}

/** client/: `import { HealingClient } from "ruvector-healing"`, with its types. */
async function buildClient(folder: string): Promise<void> {
  const entry = join(root, "src/client/index.ts");
  await bundle({
    entryPoints: [entry],
    outfile: join(folder, "index.js"),
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: "node22",
    logLevel: "warning",
  });
  await promisify(execFile)(join(root, "node_modules/.bin/tsc"), [
    ...[entry, "--ignoreConfig", "--declaration", "--emitDeclarationOnly", "--strict"],
    ...["--outDir", folder, "--target", "ES2022", "--module", "esnext"],
    ...["--moduleResolution", "bundler", "--allowImportingTsExtensions"],
  ]);
  for (const file of (await readdir(folder)).filter((name) => name.endsWith(".d.ts"))) {
    const types = await readFile(join(folder, file), "utf8");
    await writeFile(join(folder, file), types.replace(/(from "\.\/\w+)\.ts"/g, '$1.js"'));
  }
}

/** @returns the tarball's path */
export async function makePackage(into = join(root, "dist")): Promise<string> {
  const folder = join(into, "npm");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await build();
  const { packages } = await buildCli(join(folder, "cli"));
  await cp(join(root, "src/commands/bin.mjs"), join(folder, "cli/bin.mjs"));
  await buildClient(join(folder, "client"));
  await mkdir(join(folder, "sql"));
  for (const language of LANGUAGES)
    await cp(
      join(root, `dist/ruvector_healing.${language}.sql`),
      join(folder, `sql/ruvector_healing.${language}.sql`),
    );
  for (const path of ["docs", "LICENSE", "CHANGELOG.md"])
    await cp(join(root, path), join(folder, path), { recursive: true });
  // That of the repository is about a checkout.
  await cp(join(root, "build/package-readme.md"), join(folder, "README.md"));
  await writeFile(join(folder, "cli/LICENSES.txt"), await licenses(packages));
  const { name, description, license, keywords, engines } = JSON.parse(
    await readFile(join(root, "package.json"), "utf8"),
  ) as Manifest;
  const bin = { [name]: "cli/bin.mjs" };
  const types = "./client/index.d.ts";
  const main = "./client/index.js";
  // main and types: "module": "commonjs" of TypeScript 5 reads no exports.
  const entries = { main, types, exports: { ".": { types, default: main } } };
  const about = { name, version, description, keywords, license };
  const manifest = { ...about, type: "module", engines, bin, ...entries };
  await writeFile(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  const { stdout } = await promisify(execFile)(
    "npm",
    ["pack", folder, "--pack-destination", into, "--json"],
    { cwd: into },
  );
  await rm(folder, { recursive: true, force: true });
  return join(into, (JSON.parse(stdout) as [{ filename: string }])[0].filename);
}

if (process.argv[1]?.endsWith("package.ts")) console.log(await makePackage());
