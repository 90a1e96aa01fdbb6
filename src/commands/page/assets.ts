/**
 * The page's own files. They are made by the build (build/page.ts); in a checkout that was not
 * built they are made when first asked for.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

export interface Asset {
  readonly type: string;
  readonly body: string;
}

const TYPES = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/page.css": ["page.css", "text/css; charset=utf-8"],
  "/page.js": ["page.js", "text/javascript; charset=utf-8"],
} as const;

/** The documentation that the page links: as it is, from the checkout or the package. */
export async function runbookAt(path: string): Promise<string | null> {
  if (!/^\/docs\/(?:[a-z][a-z-]*\/)?[a-z][a-z-]*\.md$/.test(path)) return null;
  for (const up of ["..", "../../.."])
    try {
      return await readFile(new URL(`${up}${path}`, import.meta.url), "utf8");
    } catch {
      // Then it is at the other place, or nowhere.
    }
  return null;
}

let made: Promise<ReadonlyMap<string, Asset>> | undefined;

export const assets = (): Promise<ReadonlyMap<string, Asset>> => (made ??= load());

async function load(): Promise<ReadonlyMap<string, Asset>> {
  const published = new URL("./page/", import.meta.url);
  const files = existsSync(new URL("index.html", published))
    ? await fromFolder(published)
    : await fromSources();
  return new Map(
    Object.entries(TYPES).map(([path, [name, type]]) => [path, { type, body: files[name] }]),
  );
}

type Files = Readonly<Record<(typeof TYPES)[keyof typeof TYPES][0], string>>;

async function fromFolder(folder: URL): Promise<Files> {
  const read = (name: string): Promise<string> => readFile(new URL(name, folder), "utf8");
  return {
    "index.html": await read("index.html"),
    "page.css": await read("page.css"),
    "page.js": await read("page.js"),
  };
}

async function fromSources(): Promise<Files> {
  // The build is a program: it is run, and nothing here imports it.
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", "build/page.ts"],
    { cwd: new URL("../../../", import.meta.url), maxBuffer: 16 * 1024 * 1024 },
  );
  return JSON.parse(stdout) as Files;
}
