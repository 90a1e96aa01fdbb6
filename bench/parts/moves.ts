/**
 * Rows that rebalance_partitions moves, and takes back, beside a bare UPDATE of the same rows: one
 * statement a target, no journal, no checks, no bounded batches. And what searchers and writers of
 * the same table feel of it.
 */
import pg from "pg";
import { quantileOf, ratioOf, spreadOf } from "../measure.ts";
import { type Context, type Part, type Row, row } from "../part.ts";
import type { Bench } from "../database.ts";
import { costOf, SETTINGS } from "../tick/collections.ts";

const VECTOR = "(SELECT array_agg(random()) FROM generate_series(1, 64) WHERE g > 0)::vector";

const PARTITIONS = 8;

const oneTable = (table: string, rows: number): string => `
  DROP TABLE IF EXISTS ${table};
  CREATE TABLE ${table} (id bigint NOT NULL, partition_id int NOT NULL, embedding vector(64),
    PRIMARY KEY (partition_id, id)) PARTITION BY LIST (partition_id);
  DO $do$ BEGIN FOR i IN 0..${PARTITIONS - 1} LOOP
    EXECUTE format('CREATE TABLE ${table}_p%1$s PARTITION OF ${table} FOR VALUES IN (%1$s)', i);
  END LOOP; END $do$;
  INSERT INTO ${table} SELECT g, CASE WHEN g % 10 < 6 THEN 3 ELSE g % 7 + (g % 7 > 2)::int END,
    ${VECTOR} FROM generate_series(1, ${rows}) g;
  CREATE INDEX ON ${table} USING ivfflat (embedding vector_l2_ops) WITH (lists = 30)`;

const CONFIGURATION = {
  slice_seconds: 60,
  stabilize_seconds: 3600,
  target_lambda: 1,
  settle_seconds: 0,
  settle_samples: 0,
  min_sample_interval_seconds: 0,
};

interface Moves {
  readonly from_keys: readonly string[];
  readonly to_key: string;
  readonly rows: number;
}

/** What one kind of care costs a row: processor, clock and WAL. */
interface Cost {
  readonly cpu: number;
  readonly ms: number;
  readonly wal: number;
}

async function costOfRows(client: pg.Client, work: () => Promise<number>): Promise<Cost> {
  const wal = async (): Promise<number> =>
    Number((await client.query("SELECT pg_current_wal_insert_lsn() - '0/0' AS b")).rows[0].b);
  // Full page images are a matter of when the last checkpoint was.
  await client.query("CHECKPOINT");
  const cpu = await costOf(client);
  const [wal0, cpu0, began] = [await wal(), cpu(), performance.now()];
  const rows = await work();
  return {
    cpu: (cpu() - cpu0) / rows,
    ms: (performance.now() - began) / rows,
    wal: ((await wal()) - wal0) / rows,
  };
}

const movedRows = async (client: pg.Client): Promise<number> =>
  Number(
    (
      await client.query(
        "SELECT coalesce(sum(rows), 0) AS n FROM ruvector.healing_steps WHERE kind = 'move_rows'",
      )
    ).rows[0].n,
  );

const planned = async (client: pg.Client): Promise<readonly Moves[]> =>
  (
    await client.query(
      `SELECT ruvector_healing_execute('healed', 'rebalance_partitions', '{"dry_run": true}') AS d`,
    )
  ).rows[0].d.plan.moves;

const slices = (client: pg.Client, seconds: number): Promise<unknown> =>
  client.query(`SELECT ruvector_healing_configure('{"slice_seconds": ${seconds}}')`);

/**
 * Looked at until all indexes of the new table have their first recall, which is measured once in
 * five minutes: beside it a move of seconds would be the smaller part.
 */
async function settle(client: pg.Client): Promise<void> {
  const mode = (name: string): Promise<unknown> =>
    client.query(`SELECT ruvector_healing_configure('{"mode": "${name}"}', 'healed')`);
  await mode("observe");
  for (let ticks = 0; ticks < 50; ticks++) {
    await client.query("CALL ruvector.healing_tick()");
    const { rows } = await client.query(
      `SELECT count(*)::int AS n
         FROM ruvector.integrity_measurements m, jsonb_object_keys(m.value)
        WHERE m.kind = 'centroids'`,
    );
    if (rows[0].n === PARTITIONS) return void (await mode("auto"));
  }
  throw new Error("the recall of some index was not measured in 50 ticks");
}

/** Plans, and moves a first few rows: what is left is done by ticks, which are measured. */
async function begin(client: pg.Client): Promise<void> {
  await slices(client, 0.01);
  await client.query("SELECT ruvector_healing_execute('healed', 'rebalance_partitions')");
  await slices(client, 60);
}

async function ticksUntil(client: pg.Client, ended: string): Promise<void> {
  for (let ticks = 0; ticks < 200; ticks++) {
    const { rows } = await client.query(
      `SELECT state IN (${ended}) AS ended FROM ruvector.healing_actions ORDER BY id DESC LIMIT 1`,
    );
    if (rows[0]?.ended === true) return;
    await client.query("CALL ruvector.healing_tick()");
  }
  throw new Error("the action did not end in 200 ticks");
}

async function updated(client: pg.Client, moves: readonly Moves[], back: boolean): Promise<number> {
  let done = 0;
  for (const { from_keys, to_key, rows } of moves) {
    const [from, to] = back ? [to_key, from_keys[0]] : [from_keys[0], to_key];
    const { rowCount } = await client.query(
      `UPDATE bare t SET partition_id = $2 FROM (SELECT id FROM bare WHERE partition_id = $1
         AND ($4 OR id % 10 < 6) ORDER BY id LIMIT $3) p
        WHERE t.partition_id = $1 AND t.id = p.id`,
      [from, to, rows, !back],
    );
    done += rowCount ?? 0;
  }
  return done;
}

/** Both tables made anew, rows moved on both, and back. */
async function oneRound({ client }: Bench, rows: number): Promise<Record<string, Cost>> {
  await client.query("SELECT ruvector_healing_unregister('healed')").catch(() => undefined);
  for (const table of ["healed", "bare"]) await client.query(oneTable(table, rows));
  await client.query("VACUUM ANALYZE");
  await client.query(`SELECT ruvector_healing_register('healed', '{"movable": true}')`);
  await settle(client);
  const moves = await planned(client);
  const bare = await costOfRows(client, () => updated(client, moves, false));
  const before = await movedRows(client);
  await begin(client);
  const begun = await movedRows(client);
  const healed = await costOfRows(client, async () => {
    await ticksUntil(client, "'stabilizing', 'succeeded'");
    return (await movedRows(client)) - begun;
  });
  const moved = (await movedRows(client)) - before;
  const undo = await costOfRows(client, async () => {
    await client.query("SELECT ruvector_healing_rollback('healed')");
    await ticksUntil(client, "'rolled_back'");
    return moved;
  });
  const bareBack = await costOfRows(client, () => updated(client, moves, true));
  return { bare, healed, undo, bareBack };
}

/** Milliseconds of each search, or insert, one after the other until it is stopped. */
async function latencies(
  url: string,
  statement: string,
  until: () => boolean,
): Promise<readonly number[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const found: number[] = [];
  try {
    while (!until()) {
      const began = performance.now();
      await client.query(statement);
      found.push(performance.now() - began);
    }
  } finally {
    await client.end();
  }
  return found;
}

const SEARCH = `SELECT id FROM healed ORDER BY embedding <-> (SELECT array_agg(random())
  FROM generate_series(1, 64))::vector LIMIT 10`;
const INSERT = `INSERT INTO healed
  SELECT nextval('bench_ids'), floor(random() * ${PARTITIONS})::int, ${VECTOR}
  FROM generate_series(1, 1) g`;

/** p99 of both while `beside` is at work, or for as many seconds. */
async function felt(
  { server }: Bench,
  database: string,
  beside: () => Promise<unknown>,
): Promise<{ search: number; insert: number }> {
  let ended = false;
  const url = server.url(database);
  const both = Promise.all(
    [SEARCH, INSERT].map((statement) => latencies(url, statement, () => ended)),
  );
  await beside();
  ended = true;
  const [search, insert] = await both;
  return { search: quantileOf(search!, 0.99), insert: quantileOf(insert!, 0.99) };
}

async function others(bench: Bench, rows: number, rounds: number): Promise<readonly Row[]> {
  const { client } = bench;
  const database = String((await client.query("SELECT current_database() AS d")).rows[0].d);
  await client.query("CREATE SEQUENCE IF NOT EXISTS bench_ids START 1000000000");
  let seconds = 5;
  const alone = async () =>
    felt(bench, database, () => new Promise((done) => setTimeout(done, 1000 * seconds)));
  const moving = async () => {
    await client.query("SELECT ruvector_healing_unregister('healed')");
    await client.query(oneTable("healed", rows));
    await client.query("VACUUM ANALYZE healed");
    await client.query(`SELECT ruvector_healing_register('healed', '{"movable": true}')`);
    await settle(client);
    await begin(client);
    const began = performance.now();
    const found = await felt(bench, database, () =>
      ticksUntil(client, "'stabilizing', 'succeeded'"),
    );
    seconds = Math.max(2, (performance.now() - began) / 1000);
    await client.query("SELECT ruvector_healing_rollback('healed')");
    await ticksUntil(client, "'rolled_back'");
    return found;
  };
  const p99: Record<string, number[]> = { search: [], insert: [] };
  const over: Record<string, number[]> = { search: [], insert: [] };
  for (let round = 0; round <= rounds; round++) {
    const [busy, quiet] = [await moving(), await alone()];
    if (round === 0) continue;
    for (const kind of ["search", "insert"] as const) {
      p99[kind]!.push(quiet[kind]);
      over[kind]!.push(busy[kind] / quiet[kind]);
    }
  }
  return ["search", "insert"].flatMap((kind) => [
    row(`p99 of a ${kind} alone`, "ms", spreadOf(p99[kind]!)),
    row(`the same while rows move`, "ratio", spreadOf(over[kind]!), { most: 1.3 }),
  ]);
}

async function run(context: Context): Promise<readonly Row[]> {
  const bench = await context.database({ ...SETTINGS, max_wal_size: "8GB" });
  const { client } = bench;
  await client.query("SELECT ruvector_healing_configure($1)", [JSON.stringify(CONFIGURATION)]);
  const rows = Number(context.options.rows ?? (context.quick ? 40_000 : 100_000));
  const rounds = context.quick ? 2 : 5;
  const all: Record<string, Cost>[] = [];
  for (let round = 0; round <= rounds; round++) {
    all.push(await oneRound(bench, rows));
    context.say(`${round + 1} of ${rounds + 1} rounds`);
  }
  const of = (side: string, figure: keyof Cost): number[] =>
    all.slice(1).map((one) => one[side]![figure]);
  const speed = (bare: string, ours: string, figure: keyof Cost) =>
    ratioOf(of(bare, figure), of(ours, figure));
  const beside = await others(bench, rows, context.quick ? 1 : 3);
  return [
    row("rebalance over the bare UPDATE, by processor", "speed", speed("bare", "healed", "cpu"), {
      least: 0.7,
    }),
    row("the same by the clock", "speed", speed("bare", "healed", "ms")),
    row("undo over the bare UPDATE, by processor", "speed", speed("bareBack", "undo", "cpu"), {
      least: 0.7,
    }),
    row("the same by the clock", "speed", speed("bareBack", "undo", "ms")),
    row("WAL of a row moved over the bare UPDATE's", "ratio", speed("healed", "bare", "wal"), {
      most: 1,
    }),
    ...beside,
  ];
}

const part: Part = {
  name: "moves",
  title: "rows moved and taken back beside a bare UPDATE, and what others feel (--with rows=60000)",
  target: "0.7 of the bare UPDATE's speed; WAL at most its; p99 of others at most 1.3 times",
  run,
};
export default part;
