/** Who may import whom, types included: one direction, and no circle. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, it } from "vitest";
import { root } from "../../build/project.ts";

/** What the commands show is put in words there. */
const SHOWN = ["src/base", "src/model", "src/graph", "src/classify"];

/** A folder, and the folders that its files may import. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  build: [],
  "src/plv8-pglite": [],
  "src/commands": SHOWN,
  "src/workbench": [...SHOWN, "src/configuration", "src/commands", "src/plv8-pglite"],
};
/** The bundle: nobody in it imports what stands beside it. */
const BESIDE = ["build", "src/plv8-pglite", "src/commands", "src/workbench"];

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
    const allowed = own === undefined ? undefined : [own, ...MAY[own]!];
    return imports
      .filter((to) =>
        allowed
          ? !allowed.some((folder) => within(to, folder))
          : BESIDE.some((folder) => within(to, folder)),
      )
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
  const folders = Object.keys(MAY);
  const held = [...files].filter(([file]) => folders.some((folder) => within(file, folder)));
  expect(circle(new Map(held))).toEqual([]);
  expect(circle(new Map(Object.entries(MAY)))).toEqual([]);
});
