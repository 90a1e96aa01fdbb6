/**
 * npm run test:migrations [-- tool ...]: the script as a migration of each tool, on a throwaway
 * server; what it makes is compared with what psql makes of it, object by object. Fetches the
 * tools' packages into the cache folder. Prints the rows of the table in docs/install.md.
 */
import { execa } from "execa";
import { build } from "../../build/build.ts";
import { languageOf } from "../../src/workbench/db/language.ts";
import { startServer } from "../../src/workbench/db/server.ts";
import pg from "pg";
import { fetched } from "./packages.ts";
import { makeDatabase, migrate, objects, scriptOf } from "./run.ts";
import { TOOLS } from "./tools.ts";

const asked = process.argv.slice(2);
const names = TOOLS.map(({ name }) => name).join(", ");
if (asked.includes("--help") || asked.includes("-h")) {
  console.log(`npm run test:migrations -- [tools]; all of them without: ${names}.`);
  process.exit(0);
}
const unknown = asked.filter((name) => !TOOLS.some((tool) => tool.name === name));
if (unknown.length > 0) {
  console.error(`There is no project for ${unknown.join(", ")}. There are: ${names}.`);
  process.exit(2);
}
await build();
const server = await startServer({
  name: `${process.env["RUVECTOR_HEALING_TEST_SERVER"] ?? "test"}-migrations`,
  settings: { fsync: "off" },
  log: (line) => console.error(line),
});
const client = new pg.Client({ connectionString: server.url() });
await client.connect();
const language = await languageOf(client);
await client.end();
const place = { url: (database: string) => server.url(database), language };
const prefix = `ruvector_migrations_${process.pid}`;

async function byPsql(): Promise<string[]> {
  const drop = await makeDatabase(place.url, `${prefix}_psql`, language);
  const url = place.url(`${prefix}_psql`);
  const options = ["-qX", "-v", "ON_ERROR_STOP=1", "--single-transaction"];
  try {
    await execa("psql", [...options, "-f", scriptOf(language), url]);
    return await objects(url);
  } finally {
    await drop();
  }
}

try {
  const wanted = await byPsql();
  console.log(`psql: ${wanted.length} lines of the catalogue\n`);
  console.log("| tool | version | result |\n|---|---|---|");
  const tools = TOOLS.filter(({ name }) => asked.length === 0 || asked.includes(name));
  for (const [at, tool] of tools.entries()) {
    try {
      const packages = await fetched(tool);
      const { failure, seconds } = await migrate(tool, packages, place, wanted, `${prefix}_${at}`);
      const result = failure === "" ? "the same" : "FAILED, below";
      console.log(`| ${tool.name} | ${packages.version} | ${result}, ${seconds.toFixed(1)} s |`);
      if (failure !== "") {
        process.exitCode = 1;
        console.error(`\n${tool.name}: ${failure}\n`);
      }
    } catch (error) {
      // Not a word of whether the script runs there: the run has not done what it was asked.
      process.exitCode = 1;
      const why = error instanceof Error ? error.message : String(error);
      console.log(`| ${tool.name} | not to be had here | not run |`);
      console.error(`\n${tool.name}: ${why}\n`);
    }
  }
} finally {
  await server.destroy();
}
