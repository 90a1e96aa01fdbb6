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
 * watched. bench/out/year.json and year.svg have every day.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { random } from "../test/chaos/random.ts";
import { vacuumDue } from "../test/shapes/day.ts";
import { SETTLED } from "../src/configuration/settings.ts";
import { startServer } from "../src/workbench/db/server.ts";
import { connectTo, install } from "../src/workbench/drill/stage.ts";
import { root } from "../src/workbench/project.ts";
import { printTable } from "./database.ts";
import { dataSet, type SetName } from "./data/sets.ts";
import { ARMS, indexBytes, live, makeTables, METHODS, night } from "./year/arms.ts";
import { K, look, questions } from "./year/look.ts";
import { type Panel, plot } from "./year/plot.ts";
import { NAMES, type Point, summary, type Worked, workKey } from "./year/summary.ts";
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
const server = await startServer({
  name: flags.name,
  settings: {
    // Autovacuum's turn comes by the simulated clock.
    autovacuum: "off",
    fsync: "off",
    shared_buffers: "512MB",
    max_wal_size: "4GB",
    maintenance_work_mem: "256MB",
    max_parallel_maintenance_workers: "0",
  },
  log: (line) => console.error(line),
});
const client = await connectTo(server.url());
await install(client, server);
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

const work: Record<string, Worked> = {};
for (const table of tables) {
  const mine = jobs.filter((job) => job.table === table.name);
  const builds = mine.filter(({ command }) => /^(CREATE INDEX|REINDEX)/.test(command));
  const vacuums = mine.filter(({ command }) => command.startsWith("VACUUM"));
  const sum = (of: readonly Job[]): number => of.reduce((all, { seconds }) => all + seconds, 0);
  work[workKey(table.arm, table.method)] = {
    rebuilds: table.work.rebuilds + builds.length,
    build_seconds: table.work.seconds + sum(builds),
    vacuums: vacuums.length,
    vacuum_seconds: sum(vacuums),
  };
}
const rows = summary(points, work);

const series = (method: string, value: (point: Point) => number) =>
  ARMS.map((arm) => ({
    name: NAMES[arm],
    points: points
      .filter((point) => point.arm === arm && point.method === method)
      .map((point) => ({ day: point.day, value: value(point) })),
  }));
const panels = METHODS.flatMap((method): Panel[] => {
  const marks = done
    .filter(({ table }) => table.endsWith(method))
    .map(({ day, strategy, state }) => ({ day, what: `${strategy} ${state}` }));
  return [
    {
      title: `${method}: recall@${K}`,
      series: series(method, ({ recall }) => recall),
      marks,
      lowest: 0.5,
      highest: 1,
    },
    { title: `${method}: blocks a search`, series: series(method, ({ blocks }) => blocks), marks },
  ];
});
const out = join(root, "bench/out");
await mkdir(out, { recursive: true });
const result = { set: set.name, ...wanted, summary: rows, actions: done, jobs, points };
await writeFile(join(out, "year.json"), `${JSON.stringify(result, null, 1)}\n`);
const caption =
  `${set.name}, ${wanted.start} rows, then ${wanted.daily} more a day and as many replaced; ` +
  `vacuum every ${wanted.vacuum_every} days; green marks: an action of the loop ended`;
await writeFile(join(out, "year.svg"), plot(panels, 2, caption));
await client.end();
if (flags.json) console.log(JSON.stringify({ summary: rows, actions: done }, null, 1));
else {
  printTable(rows);
  console.log("");
  printTable(done.map(({ message: _, ...action }) => action));
}
console.error(`${join(out, "year.json")} and year.svg have every day.`);
