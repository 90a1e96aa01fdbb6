/**
 * npm run build: the bundles from src/api/bundle.ts and src/audit/ed25519.ts, and from them, for
 * plv8 and for PLJS, the extension (extension/<language>/) and the plain script for psql and
 * migration tools (dist/). Built twice, byte-identical.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeBundles } from "./bundle.ts";
import { makePage } from "./page.ts";
import { refuseRewritten } from "./rewritten.ts";
import { extensionFiles } from "./extension.ts";
import { oneStatementScript, plainScript, readSources } from "./script.ts";
import { writeClientFunctions } from "./client-functions.ts";
import { writeFunctionsPage } from "./functions-page.ts";
import { writeRightsTable } from "./rights-table.ts";
import { writeDashboard } from "./monitoring/dashboard.ts";
import { writeQueries } from "./monitoring/exporter-queries.ts";
import { writeMetricsTable } from "./monitoring/metrics-table.ts";
import { writeSettingsTable } from "./settings-table.ts";
import { LANGUAGES, root } from "./project.ts";

/** A script of an earlier build would be installed along: a version that there is not. */
async function removeOthers(files: ReadonlyMap<string, string>): Promise<void> {
  for (const folder of LANGUAGES.flatMap((one) => [`extension/${one}`, `dist/dbdev/${one}`]))
    for (const name of await readdir(join(root, folder)).catch(() => []))
      if (/^ruvector_healing--.*\.sql$/.test(name) && !files.has(`${folder}/${name}`))
        await rm(join(root, folder, name));
}

export async function build(log: (line: string) => void = () => undefined): Promise<void> {
  const bundles = await makeBundles();
  const sources = await readSources();
  const files = await extensionFiles(bundles, sources);
  for (const language of LANGUAGES) {
    for (const [name, script] of [
      [`ruvector_healing.${language}.sql`, plainScript],
      [`ruvector_healing.${language}.one-statement.sql`, oneStatementScript],
    ] as const) {
      const text = script(language, bundles, sources);
      refuseRewritten(text, name);
      files.set(`dist/${name}`, text);
    }
  }
  for (const [name, content] of Object.entries(await makePage()))
    files.set(`dist/page/${name}`, content);
  await removeOthers(files);
  for (const [path, content] of files) {
    const target = join(root, path);
    await mkdir(dirname(target), { recursive: true });
    // Replaced in one step, and only when it differs: a test run beside may be reading it.
    if ((await readFile(target, "utf8").catch(() => null)) !== content) {
      await writeFile(`${target}.${process.pid}`, content);
      await rename(`${target}.${process.pid}`, target);
    }
    log(`${path} ${(Buffer.byteLength(content) / 1024).toFixed(0)} KiB`);
  }
  for (const [name, bundle] of Object.entries(bundles))
    log(`bundle ${name} ${(bundle.source.length / 1024).toFixed(1)} KiB, sha256 ${bundle.hash}`);
}

if (process.argv[1]?.endsWith("build.ts")) {
  await build((line) => console.log(line));
  // What runs on the install scripts asks for no more.
  if (process.argv[2] !== "scripts") {
    await writeSettingsTable();
    await writeRightsTable();
    await writeFunctionsPage();
    await writeClientFunctions();
    await writeMetricsTable();
    await writeQueries();
    await writeDashboard();
  }
}
