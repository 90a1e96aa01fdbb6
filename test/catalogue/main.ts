/**
 * npm run catalogue: compares what the script makes, on the embedded database, with
 * test/catalogue/catalogue.txt; with --write it renews that file. npm run check does the comparison
 * too.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "../../build/build.ts";
import { root } from "../../build/project.ts";
import { snapshotFile } from "../../src/workbench/embedded/database-snapshot.ts";
import { openEmbedded } from "../../src/plv8-pglite/index.ts";

const FILE = "test/catalogue/catalogue.txt";

async function catalogue(): Promise<string> {
  await build();
  const snapshot = await readFile(await snapshotFile({ log: (line) => console.error(line) }));
  const database = await openEmbedded({ snapshot });
  try {
    const query = await readFile(join(root, "test/catalogue/objects.sql"), "utf8");
    const rows = await database.query<{ name: string; text: string }>(query);
    const lines: string[] = [];
    rows.forEach(({ name, text }, at) => {
      if (rows[at - 1]?.name !== name) lines.push("", name);
      lines.push(
        ...text
          .trim()
          .split("\n")
          .map((line) => `  ${line.trimEnd()}`),
      );
    });
    return `${lines.slice(1).join("\n")}\n`;
  } finally {
    await database.close();
  }
}

/** Lines that only one of them has, at most 20. */
function difference(was: string, is: string): string[] {
  const [before, after] = [new Set(was.split("\n")), new Set(is.split("\n"))];
  const gone = [...before].filter((line) => !after.has(line)).map((line) => `- ${line}`);
  const added = [...after].filter((line) => !before.has(line)).map((line) => `+ ${line}`);
  return [...gone, ...added].slice(0, 20);
}

const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });
const path = join(root, FILE);
const is = await catalogue();
if (values.write) {
  await writeFile(path, is);
  console.log(`${FILE} written: ${is.split("\n").length} lines`);
} else if ((await readFile(path, "utf8").catch(() => "")) !== is) {
  const lines = difference(await readFile(path, "utf8").catch(() => ""), is);
  console.error(
    `The catalogue is not what ${FILE} says:\n${lines.join("\n") || "the order of its lines"}\n`,
  );
  console.error("If that is what you meant: npm run catalogue -- --write");
  process.exitCode = 1;
} else console.log(`the catalogue is as in ${FILE}`);
