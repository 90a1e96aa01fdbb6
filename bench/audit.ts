/**
 * What the audit trail costs: an event (with its transaction) with and without the chain, a
 * signature in a new connection and in a warm one, what the second bundle takes to load, and
 * verifying. node build/run.mjs bench/audit.ts [events]
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { build } from "../build/build.ts";
import { root } from "../build/project.ts";
import { startServer } from "../src/workbench/db/server.ts";

const events = Number(process.argv[2] ?? 100_000);
const DATABASE = "ruvector_bench_audit";
const server = await startServer({
  name: process.env["RUVECTOR_HEALING_TEST_SERVER"] ?? "test",
  log: (line) => console.error(line),
});
await build();
const connected = async (database: string): Promise<pg.Client> => {
  const client = new pg.Client({ connectionString: server.url(database) });
  await client.connect();
  return client;
};
const admin = await connected("postgres");
await admin.query(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`);
await admin.query(`CREATE DATABASE ${DATABASE}`);
const client = await connected(DATABASE);
await client.query("CREATE EXTENSION pljs; CREATE EXTENSION vector;");
await client.query(
  `BEGIN; ${await readFile(join(root, "dist/ruvector_healing.pljs.sql"), "utf8")}; COMMIT;`,
);

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const began = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - began) / 1e6;
}
const middle = (all: number[]): number => all.sort((a, b) => a - b)[Math.floor(all.length / 2)]!;
const say = (what: string, value: number, unit: string): void =>
  console.log(`${what.padEnd(70)} ${value.toFixed(value < 10 ? 2 : 0).padStart(9)} ${unit}`);

const one = `INSERT INTO ruvector.healing_events (collection_id, collection, action_id, kind,
  message, details)
             VALUES (1, 'public.embeddings', 7, 'action_executing',
               'Moving 500 rows from partition 3 to partition 5.',
               '{"rows": 500, "from": "3", "to": "5", "lambda": 0.3217}')`;
const loop = (times: number): string =>
  `DO $$ BEGIN FOR i IN 1..${times} LOOP ${one}; COMMIT; END LOOP; END $$`;
const triggers = (state: "ENABLE" | "DISABLE"): Promise<unknown> =>
  client.query(`ALTER TABLE ruvector.healing_events ${state} TRIGGER USER`);

await client.query(loop(200));
// In turns, so that what else runs on the machine meets both.
const [bare, chained, empty]: number[][] = [[], [], []];
for (let turn = 0; turn < 9; turn++) {
  chained!.push((await milliseconds(() => client.query(loop(300)))) / 300);
  await triggers("DISABLE");
  bare!.push((await milliseconds(() => client.query(loop(300)))) / 300);
  await triggers("ENABLE");
  await client.query("SELECT ruvector.healing_audit_chain('1 s', 2147483647)");
}
say("one event and its commit, without the chain", middle(bare!), "ms");
say("one event and its commit, chained", middle(chained!), "ms");

const first: number[] = [];
const fresh: number[] = [];
const warm: number[] = [];
for (let turn = 0; turn < 9; turn++) {
  await client.query(one);
  const other = await connected(DATABASE);
  empty!.push(await milliseconds(() => other.query("DO LANGUAGE pljs $$ 1 $$")));
  first.push(await milliseconds(() => other.query("SELECT ruvector.healing_ed25519_verify('[]')")));
  fresh.push(await milliseconds(() => other.query("CALL ruvector_healing_tick()")));
  await other.query(one);
  warm.push(await milliseconds(() => other.query("CALL ruvector_healing_tick()")));
  await other.end();
}
const idle: number[] = [];
for (let turn = 0; turn < 9; turn++)
  idle.push(await milliseconds(() => client.query("CALL ruvector_healing_tick()")));
say("start of the JavaScript engine in a new connection", middle(empty!), "ms");
say("loading the second bundle", middle(first), "ms");
say("tick that signs, first signature of a connection", middle(fresh), "ms");
say("tick that signs, further ones", middle(warm), "ms");
say("tick without events (no collections)", middle(idle), "ms");

const bulk = await milliseconds(() =>
  client.query(
    one.replace(
      /VALUES .*/s,
      "SELECT 1, 'public.embeddings', g, 'action_executing', 'Moving 500 rows from partition " +
        `3 to partition 5.', '{"rows": 500, "from": "3", "to": "5", "lambda": 0.3217}' FROM ` +
        `generate_series(1, ${events}) g`,
    ),
  ),
);
say(
  `${events} events in one transaction, chained at its commit`,
  events / (bulk / 1000),
  "events/s",
);
await client
  .query("VACUUM ANALYZE ruvector.healing_events; CALL ruvector_healing_tick()")
  .catch(() => undefined);
const all = Number(
  (await client.query("SELECT count(*) AS n FROM ruvector.healing_events")).rows[0].n,
);
const verify: number[] = [];
for (let turn = 0; turn < 3; turn++)
  verify.push(
    await milliseconds(() =>
      client.query("SELECT ruvector_healing_verify_audit(NULL, NULL, 'none')"),
    ),
  );
say(`verifying ${all} events, without signatures`, all / (middle(verify) / 1000), "events/s");
const { answer } = (await client.query("SELECT ruvector_healing_verify_audit() AS answer"))
  .rows[0] as { answer: { intact: boolean; signatures: number } };
const [from, to] = (
  await client.query("SELECT min(seq), max(seq) FROM ruvector.healing_audit_signatures")
).rows.map(({ min, max }: { min: string; max: string }) => [min, max])[0]!;
const checking = (which: string): Promise<number> =>
  milliseconds(() =>
    client.query(`SELECT ruvector_healing_verify_audit(${from}, ${to}, '${which}')`),
  );
const none = await checking("none");
say(
  `verifying a signature (${answer.signatures} of them)`,
  ((await checking("all")) - none) / answer.signatures,
  "ms",
);
if (!answer.intact) throw new Error("the chain of the benchmark is broken");
await client.end();
await admin.query(`DROP DATABASE ${DATABASE} WITH (FORCE)`);
await admin.end();
