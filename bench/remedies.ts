/**
 * What each remedy of recall foresees, and what comes of it: real vectors, a fault for each, the
 * action with real jobs of pg_cron, and before and after it the truth, by searches of a new session
 * of the table's owner held against exact answers in JavaScript.
 *
 *   node build/run.mjs bench/remedies.ts [--sets words-128,digits-784] [--rows 8000,2000]
 *     [--queries 300] [--seed 1] [--name remedies] [--json]
 */
import { parseArgs } from "node:util";
import type pg from "pg";
import { random } from "../test/chaos/random.ts";
import { SETTLED } from "../src/configuration/settings.ts";
import { pause } from "../src/workbench/load.ts";
import { printTable } from "./database.ts";
import { copyRows, indexOn, type Placed, shuffled, tableFor, vectorText } from "./data/load.ts";
import { type DataSet, dataSet, type SetName } from "./data/sets.ts";
import { recallServer } from "./recall/server.ts";
import { look, questions } from "./year/look.ts";
import { pair } from "./year/remedies.ts";
import { actions, active } from "./year/turns.ts";

const { values: flags } = parseArgs({
  options: {
    sets: { type: "string", default: "words-128,digits-784" },
    rows: { type: "string", default: "8000,2000" },
    queries: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
    name: { type: "string", default: "remedies" },
    json: { type: "boolean", default: false },
  },
});
const seed = Number(flags.seed);

interface Fault {
  readonly what: string;
  readonly method: "hnsw" | "ivfflat";
  readonly strategy: "tune_search" | "vacuum_index" | "rebuild_index";
  /** What a session of the owner looks at: ef_search, probes. */
  readonly depth: number;
  /** `recall_target`. */
  readonly due: number;
  /** The share of the rows that were there when the index was made. */
  readonly built_on?: number;
  /** How often two fifths of the rows get other vectors, without a vacuum. */
  readonly rewritten?: number;
  readonly search_cost_ratio?: number;
}

const FAULTS: readonly Fault[] = [
  { what: "a session looks at few", method: "hnsw", strategy: "tune_search", depth: 10, due: 0.99 },
  // Twice the cost, the default's limit, is two probes for one.
  {
    what: "a session looks at few",
    method: "ivfflat",
    strategy: "tune_search",
    depth: 1,
    due: 0.9,
    search_cost_ratio: 4,
  },
  {
    what: "a quarter is dead",
    method: "hnsw",
    strategy: "vacuum_index",
    depth: 12,
    due: 0.92,
    rewritten: 1,
  },
  {
    what: "three quarters are dead",
    method: "hnsw",
    strategy: "rebuild_index",
    depth: 40,
    due: 0.98,
    rewritten: 8,
  },
  {
    what: "made on an empty table",
    method: "ivfflat",
    strategy: "rebuild_index",
    depth: 3,
    due: 0.95,
    built_on: 0,
  },
];

const DEPTHS = { hnsw: "hnsw.ef_search", ivfflat: "ivfflat.probes" } as const;
const REWRITTEN = 0.4;

interface Rows {
  readonly rows: readonly Placed[];
  /** Rows of the set that are in no table yet. */
  readonly spare: readonly number[];
}

interface Spoiled {
  readonly name: string;
  /** What is in the table: id to the set's row. */
  readonly live: ReadonlyMap<number, number>;
}

async function spoiled(
  client: pg.Client,
  set: DataSet,
  { rows, spare }: Rows,
  { method, depth, built_on = 1, rewritten = 0 }: Fault,
  role: string,
): Promise<Spoiled> {
  const name = `${role}.${method}`;
  await client.query(`DROP SCHEMA IF EXISTS ${role} CASCADE`);
  await client.query(
    `DO $$ BEGIN CREATE ROLE ${role} LOGIN; EXCEPTION WHEN duplicate_object THEN END $$`,
  );
  await client.query(`ALTER ROLE ${role} IN DATABASE ruvector RESET ALL`);
  await client.query(`ALTER ROLE ${role} IN DATABASE ruvector SET ${DEPTHS[method]} = ${depth}`);
  await client.query(`CREATE SCHEMA ${role} AUTHORIZATION ${role}; SET ROLE ${role}`);
  await client.query(`${tableFor(name, set)} WITH (autovacuum_enabled = off)`);
  // Topic by topic: the lists of the first are not those of the others.
  const topical = [...rows].sort((a, b) => set.topics[a.row]! - set.topics[b.row]!);
  const first = Math.round(rows.length * built_on);
  await copyRows(client, name, set, topical.slice(0, first));
  await client.query(`CREATE INDEX ON ${name} ${indexOn(set, method, rows.length)}`);
  await copyRows(client, name, set, topical.slice(first));
  await client.query("RESET ROLE");
  await client.query(`VACUUM ANALYZE ${name}`);
  await client.query("SELECT ruvector_healing_register($1)", [name]);
  const live = new Map(rows.map(({ id, row }) => [id, row]));
  const again = rows.slice(0, Math.round(rows.length * REWRITTEN));
  for (let round = 0; round < rewritten; round++) {
    // Others than there were: an hnsw index keeps rows of one vector in one entry.
    const writes = again.map(({ id }, i) => ({ id, row: spare[round * again.length + i]! }));
    for (const { id, row } of writes) live.set(id, row);
    await client.query(
      `UPDATE ${name} t SET embedding = n.embedding::vector
         FROM unnest($1::bigint[], $2::text[]) n(id, embedding) WHERE t.id = n.id`,
      [writes.map(({ id }) => id), writes.map(({ row }) => vectorText(set, row))],
    );
  }
  await client.query("SELECT pg_stat_force_next_flush()");
  return { name, live };
}

async function remedied(client: pg.Client, name: string, strategy: string): Promise<string> {
  const { rows } = await client.query<{
    answer: { action_id: number | null; outcome: string; reason?: string; message?: string };
  }>("SELECT ruvector_healing_execute($1, $2) AS answer", [name, strategy]);
  const { action_id, outcome, reason, message } = rows[0]!.answer;
  if (action_id == null) return [outcome, reason, message].join(": ");
  do {
    await client.query("CALL ruvector_healing_tick()");
    await pause(2000);
  } while (await active(client));
  return "";
}

const { server, client } = await recallServer(flags.name);
await client.query("SELECT ruvector_healing_configure($1)", [
  JSON.stringify({ ...SETTLED, enabled: false, require_approval_strategies: [] }),
]);

const results: object[] = [];
const counts = flags.rows.split(",").map(Number);
for (const [s, name] of flags.sets.split(",").entries()) {
  const set = dataSet(name as SetName);
  const all = shuffled(set, seed);
  const rows = all.splice(0, counts[s] ?? counts[0]!).map((row, i) => ({ id: i + 1, row }));
  for (const [f, fault] of FAULTS.entries()) {
    const role = `remedy_${s}_${f}`;
    const { name: table, live } = await spoiled(client, set, { rows, spare: all }, fault, role);
    const asked = questions(set, live, Number(flags.queries), random(seed, "asked"));
    const truth = () => look(server.url(), set, { name: table, role }, asked);
    await client.query("SELECT ruvector_healing_configure($1, $2)", [
      JSON.stringify({
        recall_target: fault.due,
        search_cost_ratio: fault.search_cost_ratio ?? null,
      }),
      table,
    ]);
    await client.query("CALL ruvector_healing_tick()");
    const before = await truth();
    const refused = await remedied(client, table, fault.strategy);
    const action = (await actions(client, new Set(), 0)).find((one) => one.table === table);
    results.push({
      set: `${name}, ${rows.length}`,
      fault: `${fault.method}: ${fault.what}`,
      due: fault.due,
      before: pair(before),
      remedy: fault.strategy,
      foreseen: pair(action?.foreseen),
      measured: pair(action?.came),
      true: pair(await truth()),
      lambda: [action?.lambda_before, action?.lambda_predicted, action?.lambda_after]
        .map((value) => value?.toFixed(2) ?? "-")
        .join(", "),
      ended: refused || `${action?.state}`,
    });
    console.error(JSON.stringify(results.at(-1)));
    // What it set, and what it kept, ends with its collection.
    await client.query("SELECT ruvector_healing_unregister($1)", [table]);
    await client.query(`DROP SCHEMA ${role} CASCADE`);
  }
}
await client.end();
if (flags.json) console.log(JSON.stringify(results, null, 1));
else printTable(results);
