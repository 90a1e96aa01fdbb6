/**
 * npm run docs: docs/ as a site, in dist/docs, by VitePress. Its packages (100 MB) are fetched once
 * into the cache folder, in the version of package.json beside this: nothing else needs them. A
 * link that leads nowhere fails it, an anchor too.
 */
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { execa } from "execa";
import { root } from "../project.ts";

const here = dirname(fileURLToPath(import.meta.url));
const OUT = join(root, "dist/docs");
const WORK = join(root, "dist/docs-source");

/** Where VitePress is; made once, whoever else makes it meanwhile. */
async function packages(): Promise<string> {
  const manifest = await readFile(join(here, "package.json"), "utf8");
  const { dependencies } = JSON.parse(manifest) as { dependencies: { vitepress: string } };
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const folder = join(cache, "ruvector-healing", `docs-site-${dependencies.vitepress}`);
  if (existsSync(folder)) return folder;
  const making = `${folder}.${process.pid}`;
  await mkdir(making, { recursive: true });
  await writeFile(join(making, "package.json"), manifest);
  console.log("Fetching the packages of VitePress (once)...");
  await execa("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund"], {
    cwd: making,
    stdio: ["ignore", "inherit", "inherit"],
  });
  await rename(making, folder).catch(() => rm(making, { recursive: true, force: true }));
  return folder;
}

interface Page {
  /** From the root of the repository. */
  readonly path: string;
  readonly title: string;
}

/** Folders whose pages, or whose READMEs, the documentation leads to. */
const FOLDERS = ["docs", "bench", "extension", "src"] as const;

async function pages(): Promise<Page[]> {
  const found = await Promise.all(
    FOLDERS.map(async (folder) =>
      (await readdir(join(root, folder), { recursive: true }))
        .filter((path) => path.endsWith(folder === "docs" ? ".md" : "README.md"))
        .filter((path) => !path.includes("node_modules"))
        .map((path) => join(folder, path))
        .sort(),
    ),
  );
  return Promise.all(
    ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", ...found.flat()].map(async (path) => {
      const text = await readFile(join(root, path), "utf8");
      return { path, title: (/^# (.+)$/m.exec(text)?.[1] ?? path).replaceAll("`", "") };
    }),
  );
}

/** What stands in the menu, folder by folder. */
function sidebar(all: readonly Page[]): object[] {
  const folders = {
    "": ".",
    Pages: "docs",
    Strategies: "docs/strategies",
    Sensing: "docs/sensing",
    Decisions: "docs/decisions",
  };
  const known = Object.values(folders);
  const groups = [
    ...Object.entries(folders).map(([text, folder]) => ({
      text,
      has: ({ path }: Page) => dirname(path) === folder,
    })),
    { text: "Sources", has: ({ path }: Page) => !known.includes(dirname(path)) },
  ];
  return groups.map(({ text, has }) => ({
    text,
    items: all.filter(has).map(({ path, title }) => ({
      text: title,
      link: `/${path.replace(/\.md$/, "").replace(/^README$/, "")}`,
    })),
  }));
}

/** VitePress looks at links to pages; those to files of the repository are looked at here. */
async function brokenLinks(all: readonly Page[]): Promise<string[]> {
  const found = await Promise.all(
    all.map(async ({ path }) => {
      const text = await readFile(join(root, path), "utf8");
      return [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)\s#]+)/g)]
        .map(([, link]) => link!)
        .filter((link) => !existsSync(join(root, dirname(path), decodeURI(link))))
        .map((link) => `${path}: ${link}`);
    }),
  );
  return found.flat();
}

async function build(): Promise<void> {
  const broken = await brokenLinks(await pages());
  if (broken.length > 0) throw new Error(`Links that lead nowhere:\n${broken.join("\n")}`);
  const modules = join(await packages(), "node_modules");
  await rm(WORK, { recursive: true, force: true });
  await mkdir(WORK, { recursive: true });
  const all = await pages();
  await cp(join(root, "docs"), join(WORK, "docs"), { recursive: true });
  for (const { path } of all) await cp(join(root, path), join(WORK, path), { recursive: true });
  await symlink(modules, join(WORK, "node_modules"));
  const vitepress = (await import(
    pathToFileURL(join(modules, "vitepress/dist/node/index.js")).href
  )) as { build(root: string, options?: object): Promise<void> };
  await mkdir(join(WORK, ".vitepress"));
  await writeFile(join(WORK, ".vitepress/config.mjs"), configuration(all));
  await rm(OUT, { recursive: true, force: true });
  await vitepress.build(WORK);
  await rm(WORK, { recursive: true });
  console.log(`dist/docs: ${all.length} pages`);
}

/** Links to sources (src/..., sql/...) are ours to check: they are in the repository, or broken. */
const configuration = (all: readonly Page[]): string => `
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
const repository = ${JSON.stringify(root)};
const slug = (text) =>
  text.trim().toLowerCase().replace(/[^\\p{L}\\p{N}\\s_-]/gu, "").replace(/\\s/g, "-");
export default {
  title: "ruvector_healing",
  description: "A PostgreSQL that runs vector search and heals itself from inside",
  outDir: ${JSON.stringify(OUT)},
  rewrites: { "README.md": "index.md" },
  cleanUrls: true,
  markdown: { html: false, anchor: { slugify: slug } },
  ignoreDeadLinks: [
    (link, page) =>
      /^https?:/.test(link) ||
      [link, link.replace(/^\\.?\\//, "")].some((one) =>
        [repository, join(repository, dirname(page ?? ""))].some((from) => {
          const path = join(from, one.replace(/#.*$/, ""));
          return path.startsWith(repository) && existsSync(path) && !path.endsWith(".md");
        }),
      ),
  ],
  themeConfig: {
    sidebar: ${JSON.stringify(sidebar(all))},
    search: { provider: "local" },
    outline: [2, 3],
  },
};
`;

await build();
