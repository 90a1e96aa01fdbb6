/** What a long history costs those who do not ask for it, and those who do. */
import { growHistory } from "../../src/workbench/history.ts";
import { each, exponentOf, interleaved, spreadOf } from "../measure.ts";
import { type Context, type Part, type Row, row } from "../part.ts";
import { costOf, SETTINGS, tick } from "../tick/collections.ts";

/** One partition has most rows: there is something to do, so that a decision is taken. */
const TABLE = `
  CREATE TABLE c1 (id int, shard int, v vector(3), PRIMARY KEY (id, shard))
    PARTITION BY LIST (shard);
  CREATE TABLE c1_0 PARTITION OF c1 FOR VALUES IN (0);
  CREATE TABLE c1_1 PARTITION OF c1 FOR VALUES IN (1);
  CREATE TABLE c1_2 PARTITION OF c1 FOR VALUES IN (2);
  INSERT INTO c1 SELECT g, CASE WHEN g % 8 < 6 THEN 0 ELSE g % 2 + 1 END, '[1,2,3]'
    FROM generate_series(1, 2000) g;
  ANALYZE c1;
  SELECT ruvector_healing_register('c1', '{"movable": true}');
  SELECT ruvector_healing_configure('{"mode": "observe", "min_sample_interval_seconds": 0,
    "settle_seconds": 0, "settle_samples": 0}');`;

const ASKED = {
  "a tick": "CALL ruvector.healing_tick()",
  "a look": "SELECT ruvector_integrity_sample('c1')",
  "a decision (explain)": "SELECT ruvector_healing_explain('c1')",
  "a plan (dry run)":
    "SELECT ruvector_healing_execute('c1', 'rebalance_partitions', '{\"dry_run\": true}')",
  status: "SELECT ruvector_healing_status()",
  verdict: "SELECT ruvector_healing_verdict()",
  metrics: "SELECT ruvector_healing_metrics()",
  "history, newest 100": "SELECT ruvector_healing_history(limit_ => 100)",
  "samples, newest 100": "SELECT ruvector_integrity_history('c1', limit_ => 100)",
  "one action (explain)": "SELECT ruvector_healing_explain(1)",
  effectiveness: "SELECT ruvector_healing_effectiveness()",
  "a report of a day": "SELECT ruvector_healing_report(interval '1 day')",
} as const;

const PLOTTED: readonly (keyof typeof ASKED)[] = [
  "a tick",
  "a plan (dry run)",
  "status",
  "metrics",
];

async function run(context: Context): Promise<readonly Row[]> {
  const bench = await context.database(SETTINGS);
  const { client } = bench;
  await client.query(TABLE);
  await tick(client);
  await client.query("SELECT ruvector_healing_execute('c1', 'rebalance_partitions')");
  await client.query(
    "UPDATE ruvector.healing_actions SET state = 'succeeded', finished_at = clock_timestamp(); " +
      "SELECT ruvector.healing_record_outcome(1, true)",
  );
  const cost = await costOf(client);
  const sizes = context.quick ? [10, 1000] : [10, 1000, 10_000, 100_000];
  const points = new Map<string, { x: number; y: number }[]>();
  const rows: Row[] = [];
  let made = 1;
  for (const size of sizes) {
    context.say(`${size} actions`);
    await growHistory(client, made + 1, size);
    made = size;
    const sides = Object.fromEntries(
      Object.entries(ASKED).map(([name, statement]) => [
        name,
        () => each(cost, () => client.query(statement), 50),
      ]),
    );
    for (const [name, costs] of Object.entries(await interleaved(sides, 3))) {
      rows.push(row(`${name}, ${size} actions in the history`, "CPU ms", spreadOf(costs)));
      points.set(name, [...(points.get(name) ?? []), { x: size, y: spreadOf(costs).median }]);
    }
  }
  context.plot({
    name: "actions",
    title: "What a long history costs",
    x: "actions in the history, ten minutes apart",
    y: "CPU ms",
    series: PLOTTED.map((name) => ({ name, points: points.get(name) ?? [] })),
  });
  for (const [name, found] of points) {
    rows.push(row(`${name}, growth`, "exponent", { median: exponentOf(found) }));
  }
  return rows;
}

const part: Part = {
  name: "history",
  title: "what a long history costs: ticks, looks, decisions, and who asks for it",
  target: "what does not ask for the history does not grow with it",
  run,
};
export default part;
