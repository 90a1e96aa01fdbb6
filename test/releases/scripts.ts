/**
 * The scripts of released versions as they were, each version's in one file: every later script is
 * tried over them. Both languages, plain and as an extension; the compact form of a plain script is
 * made of it anew (build/encoded.ts), which is how it was made then.
 */
import { readdirSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { type Language, LANGUAGES, root } from "../../build/project.ts";

const FOLDER = join(root, "test/releases");

export interface Scripts {
  readonly plain: string;
  readonly extension: string;
}

/** Frozen versions, oldest first. */
export const frozen = (): string[] =>
  readdirSync(FOLDER, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));

const path = (version: string) => join(FOLDER, version, "scripts.json.br");

export async function scriptsOf(version: string, language: Language): Promise<Scripts> {
  const text = brotliDecompressSync(await readFile(path(version))).toString("utf8");
  return (JSON.parse(text) as Record<Language, Scripts>)[language];
}

/** Both languages differ in a few lines: in one window they take the room of one, 300 KiB. */
export async function freeze(version: string): Promise<string> {
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`${version} is not what is released`);
  const scripts: Partial<Record<Language, Scripts>> = {};
  for (const language of LANGUAGES)
    scripts[language] = {
      plain: await readFile(join(root, `dist/ruvector_healing.${language}.sql`), "utf8"),
      extension: await readFile(
        join(root, `extension/${language}/ruvector_healing--${version}.sql`),
        "utf8",
      ),
    };
  await mkdir(join(FOLDER, version));
  const text = JSON.stringify(scripts);
  await writeFile(
    path(version),
    brotliCompressSync(text, {
      params: {
        [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
        [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
      },
    }),
  );
  return path(version);
}
