/**
 * A year in the life of a table with a vector index, under different care side by side: the loop,
 * none, a REINDEX every night, and pg_auto_reindexer's rule.
 *
 *   node build/run.mjs bench/year.ts [--set words-128] [--days 365] [--start 5000] [--daily 50]
 *     [--vacuum-every 7] [--turns 4] [--queries 40] [--seed 1] [--name year] [--json]
 *
 * All four get the same writes (year/workload.ts). Each evening 40 rows are searched for in each,
 * by its index, and the answers compared with exact ones. Then comes the night: what autovacuum
 * would do (its turn comes every so many days), what each kind of care does. The loop runs on a
 * throwaway server of its own as installed, with pg_cron for its jobs; its stored times grow older
 * by a day, and its settings are the defaults but for the time that a new collection is only
 * watched. bench/out/year.json and year.svg have every day, and are written anew every five.
 */
import { parseArgs } from "node:util";
import { random } from "../test/chaos/random.ts";
import { vacuumDue } from "../test/shapes/day.ts";
import { SETTLED } from "../src/configuration/settings.ts";
import { printTable } from "./database.ts";
import { dataSet, type SetName } from "./data/sets.ts";
import { indexBytes, live, makeTables, night } from "./year/arms.ts";
import { recallServer } from "./recall/server.ts";
import { look, questions } from "./year/look.ts";
import { writeResults } from "./year/results.ts";
import type { Point } from "./year/summary.ts";
import { type Action, actions, type Job, jobsAfter, turns } from "./year/turns.ts";
import { Workload } from "./year/workload.ts";

const { values: flags } = parseArgs({
  options: {
    set: { type: "string", default: "words-128" },
    days: { type: "string", default: "365" },
    start: { type: "string", default: "5000" },
    daily: { type: "string", default: "50" },
    "vacuum-every": { type: "string", default: "7" },
    turns: { type: "string", default: "4" },
    queries: { type: "string", default: "40" },
    seed: { type: "string", default: "1" },
    name: { type: "string", default: "year" },
    json: { type: "boolean", default: false },
  },
});
const wanted = {
  days: Number(flags.days),
  start: Number(flags.start),
  daily: Number(flags.daily),
  vacuum_every: Number(flags["vacuum-every"]),
  turns: Number(flags.turns),
  queries: Number(flags.queries),
  seed: Number(flags.seed),
};

const set = dataSet(flags.set as SetName);
const { server, client } = await recallServer(flags.name);
await client.query(`
  DROP SCHEMA IF EXISTS shapes CASCADE;
  CREATE SCHEMA shapes;
  CREATE TABLE shapes.clock (elapsed interval NOT NULL);
  INSERT INTO shapes.clock VALUES ('0');
  TRUNCATE cron.job_run_details`);
const workload = new Workload(set, { ...wanted });
const tables = await makeTables(client, set, workload.first());
for (const { arm, name } of tables)
  if (arm === "loop") await client.query("SELECT ruvector_healing_register($1)", [name]);
await client.query("SELECT ruvector_healing_configure($1)", [JSON.stringify(SETTLED)]);

const points: Point[] = [];
const done: Action[] = [];
const jobs: Job[] = [];
const lived = { set: set.name, tables, points, actions: done, jobs };
for (let day = 1; day <= wanted.days; day++) {
  const began = Date.now();
  const writes = workload.day(day);
  const asked = questions(set, workload.live, wanted.queries, random(wanted.seed, "asked", day));
  for (const table of tables) {
    await live(client, set, table, writes);
    points.push({
      day,
      arm: table.arm,
      method: table.method,
      ...(await look(server.url(), set, table, asked)),
      index_mb: (await indexBytes(client, table)) / 2 ** 20,
    });
  }
  if (day % wanted.vacuum_every === 0) await vacuumDue(client);
  for (const table of tables) await night(client, table, workload.live.size);
  await turns(client, wanted.turns);
  const acted = await actions(client, new Set(done.map(({ id }) => id)), day);
  done.push(...acted);
  jobs.push(...(await jobsAfter(client, jobs.at(-1)?.id ?? "0")));
  if (day % 5 === 0) await writeResults(wanted, lived);
  const today = (arm: string): string =>
    points
      .filter((point) => point.day === day && point.arm === arm)
      .map(({ recall, blocks }) => `${recall.toFixed(3)} at ${blocks.toFixed(0)}`)
      .join(", ");
  console.error(
    `day ${day}, ${workload.live.size} rows, ${((Date.now() - began) / 1000).toFixed(1)} s: ` +
      `loop ${today("loop")}; none ${today("none")}; nightly ${today("nightly")}` +
      acted.map(({ table, strategy, state }) => `; ${table} ${strategy} ${state}`).join(""),
  );
}

const results = await writeResults(wanted, lived);
await client.end();
if (flags.json) console.log(JSON.stringify(results, null, 1));
else {
  printTable(results.summary);
  console.log("");
  printTable(results.remedies);
}
console.error(`${results.folder}/year.json and year.svg have every day.`);
