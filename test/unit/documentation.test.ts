/** What the documentation lists, against what there is. */
import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { FUNCTIONS_PAGE, withFunctions } from "../../build/functions-page.ts";
import { describedFunctions } from "../../build/sql-functions.ts";
import { MONITORING_PAGE, withMetricsTable } from "../../build/monitoring/metrics-table.ts";
import { readLevels, SECURITY_PAGE, withRights } from "../../build/rights-table.ts";
import { root } from "../../build/project.ts";
import { CONFIGURATION_PAGE, withTable } from "../../build/settings-table.ts";
import { projectOf } from "../migrations/packages.ts";
import { TOOLS } from "../migrations/tools.ts";

it("docs/configuration.md has the settings as they are (npm run build writes them)", async () => {
  const page = await readFile(CONFIGURATION_PAGE, "utf8");
  expect(page).toBe(withTable(page));
});

it("docs/security.md has the levels as they are (npm run build writes them)", async () => {
  const page = await readFile(SECURITY_PAGE, "utf8");
  expect(page).toBe(withRights(page, await readLevels()));
});

it("docs/monitoring.md has the metrics as they are (npm run build writes them)", async () => {
  const page = await readFile(MONITORING_PAGE, "utf8");
  expect(page).toBe(withMetricsTable(page));
});

it("docs/sql.md has the functions as they are (npm run build writes them)", async () => {
  const page = await readFile(FUNCTIONS_PAGE, "utf8");
  expect(page).toBe(await withFunctions(page));
});

it("docs/sql.md has every function that somebody may call, each with an example", async () => {
  const described = await describedFunctions();
  const levels = (await readLevels()).map(({ routine }) => routine);
  expect(new Set(described.map(({ name }) => name))).toEqual(
    new Set(levels.filter((routine) => routine.startsWith("ruvector_"))),
  );
  for (const { name, example } of described) expect(example ?? "none", name).toContain(name);
});

const pages = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => join("docs", path)),
];

it.each(pages)("%s names files that are there", async (page) => {
  const text = await readFile(join(root, page), "utf8");
  const named = [...text.matchAll(/`((?:src|sql|test|build|bench|docs)\/[\w./-]*\w\/?)`/g)];
  expect(named.map(([, path]) => path!).filter((path) => !existsSync(join(root, path)))).toEqual(
    [],
  );
});

/** Of a heading, as GitHub makes it. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

async function leads(page: string, link: string): Promise<boolean> {
  const [path, place] = link.split("#") as [string, string?];
  const target = path === "" ? join(root, page) : join(root, dirname(page), path);
  if (!existsSync(target)) return false;
  if (place === undefined) return true;
  const text = await readFile(target, "utf8");
  return [...text.matchAll(/^#+ (.*)$/gm)].some(([, heading]) => anchor(heading!) === place);
}

it.each(pages)("links of %s lead to a file and heading that are there", async (page) => {
  const text = await readFile(join(root, page), "utf8");
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
  const lost: string[] = [];
  for (const link of links)
    if (!/^https?:/.test(link) && !(await leads(page, link))) lost.push(link);
  expect(lost).toEqual([]);
});

it("docs/install.md shows the migrations that the tests run, and the versions tried", async () => {
  const page = await readFile("docs/install.md", "utf8");
  const shown = [
    "knex/migrations/20260101000000_ruvector_healing.js",
    "typeorm/migrations/1767225600000-ruvector-healing.js",
    "sequelize/migrations/20260101000000-ruvector-healing.js",
    "umzug/migrate.mjs",
    "db-migrate/migrations/20260101000000-ruvector-healing.js",
    "sqitch/deploy/ruvector_healing.sql",
    "alembic/migrations/versions/0001_ruvector_healing.py",
    "django/application/migrations/0001_ruvector_healing.py",
  ];
  for (const path of shown)
    expect(page).toContain(`\n${await readFile(join("test/migrations", path), "utf8")}\`\`\`\n`);
  for (const tool of TOOLS.filter(({ debian }) => debian === undefined)) {
    const { dependencies } = JSON.parse(
      await readFile(join(projectOf(tool), "package.json"), "utf8"),
    ) as { dependencies: Record<string, string> };
    const version = dependencies[tool.package ?? tool.name]!;
    expect(page).toMatch(new RegExp(`^\\| ${tool.name} \\|[^|]*${version} \\|`, "im"));
  }
});
