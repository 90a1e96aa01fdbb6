/** Who may import whom, types included: one direction, and no circle. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, it } from "vitest";
import { root } from "../../build/project.ts";

/** The bundle, from the lowest floor up: each may import those on floors below its own. */
const FLOORS = [
  ["base", "model"],
  ["host", "graph"],
  ["audit", "classify"],
  ["store"],
  ["jobs"],
  ["collection", "configuration"],
  ["sense", "learn"],
  ["select", "verify"],
  ["strategies"],
  ["execute"],
  ["loop"],
  ["api"],
];
const below = (floor: number): readonly string[] =>
  FLOORS.slice(0, floor).flatMap((folders) => folders.map((folder) => `src/${folder}`));

/** Folders (a whole path), and the folders that their files may import. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  build: [],
  "src/plv8-pglite": [],
  "src/client": [],
  ...Object.fromEntries(
    FLOORS.flatMap((folders, floor) => folders.map((folder) => [`src/${folder}`, below(floor)])),
  ),
  "src/commands": ["src/base", "src/model", "src/classify", "src/configuration", "src/graph"],
  "src/workbench": [
    "src/commands",
    "src/plv8-pglite",
    "src/configuration",
    "src/base",
    "src/model",
    "src/graph",
    "src/classify",
  ],
};

const within = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);

/** Each file with the files that it imports. */
const files = new Map(
  ["build", "src"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .map((path) => join(folder, path))
      .filter((path) => /\.(ts|mjs)$/.test(path) && !path.includes("/test/"))
      .map((path) => [path, importedBy(path)] as const),
  ),
);

function importedBy(path: string): string[] {
  const text = readFileSync(join(root, path), "utf8");
  return [...text.matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map(([, to]) =>
    normalize(join(dirname(path), to!)),
  );
}

it("a folder imports only those below it", () => {
  const wrong = [...files].flatMap(([file, imports]) => {
    const own = Object.keys(MAY).find((folder) => within(file, folder));
    if (own === undefined) return [`${file} is in no folder that is known`];
    return imports
      .filter((to) => ![own, ...MAY[own]!].some((folder) => within(to, folder)))
      .map((to) => `${file} -> ${to}`);
  });
  expect(wrong).toEqual([]);
});

/** The first circle that is found: its nodes in order, the first one again at the end. */
function circle(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const look = (node: string, way: readonly string[]): string[] => {
    if (way.includes(node)) return [...way.slice(way.indexOf(node)), node];
    if (done.has(node)) return [];
    for (const next of graph.get(node) ?? []) {
      const found = look(next, [...way, node]);
      if (found.length > 0) return found;
    }
    done.add(node);
    return [];
  };
  for (const node of graph.keys()) {
    const found = look(node, []);
    if (found.length > 0) return found;
  }
  return [];
}

it("no file imports itself by way of others, and no folder", () => {
  expect(circle(files)).toEqual([]);
  expect(circle(new Map(Object.entries(MAY)))).toEqual([]);
});

/** Tables that the script makes. */
const tables = readdirSync(join(root, "sql/tables")).flatMap((file) =>
  [
    ...readFileSync(join(root, "sql/tables", file), "utf8").matchAll(
      /CREATE (?:UNLOGGED )?TABLE IF NOT EXISTS ruvector\.(\w+)/g,
    ),
  ].map(([, table]) => table!),
);

/** A table after what a statement begins its name with, or after the comma in FROM a, b. */
const usesTable = new RegExp(
  "(?:\\b(?:FROM|JOIN|USING|INTO|UPDATE|TABLE|TRUNCATE|COPY|ONLY)|,)" +
    `\\s+ruvector\\.(?:${tables.join("|")})\\b(?!\\s*\\()`,
);

/**
 * A file without its comments. The bundle's statements are templates, or given to raw(): what else
 * stands in quotes there is a hint, and people may read what they like.
 */
function statements(file: string): string {
  const text = readFileSync(join(root, file), "utf8").replace(
    /^\s*(?:\/\*[^]*?\*\/|\/\/.*$)/gm,
    "",
  );
  return within(file, "src/commands")
    ? text
    : text.replace(/(?<!\braw\(\s*)"(?:[^"\\\n]|\\.)*"/g, '""');
}

it("SQL on our own tables stands in src/store only", () => {
  expect(tables.length).toBeGreaterThan(25);
  const using = [...files.keys()]
    .filter((file) => within(file, "src"))
    // What developers try it out with does what no loop would, and reads what it likes.
    .filter((file) => !within(file, "src/workbench") && !within(file, "src/plv8-pglite"))
    .filter((file) => usesTable.test(statements(file)));
  expect(using.filter((file) => !within(file, "src/store"))).toEqual([]);
  // It is found where it stands.
  expect(using.length).toBeGreaterThan(20);
});
