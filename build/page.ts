/**
 * The status page's client: TypeScript to one script, the rest as it is. As a program it prints
 * them as one JSON object, for the page of a checkout that was not built.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "./project.ts";

const folder = join(root, "src/commands/page/client");

export async function makePage(): Promise<Record<"index.html" | "page.css" | "page.js", string>> {
  const result = await build({
    entryPoints: [join(folder, "main.ts")],
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2020",
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    charset: "utf8",
    logLevel: "warning",
  });
  return {
    "index.html": await readFile(join(folder, "index.html"), "utf8"),
    "page.css": await readFile(join(folder, "page.css"), "utf8"),
    "page.js": result.outputFiles[0]!.text,
  };
}

if (process.argv[1]?.endsWith("page.ts")) process.stdout.write(JSON.stringify(await makePage()));
