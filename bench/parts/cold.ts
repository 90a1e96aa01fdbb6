/** What a new connection pays before JavaScript answers: pg_cron opens one for each tick. */
import { interleaved, ratioOf, spreadOf } from "../measure.ts";
import { type Context, type Part, type Row, row } from "../part.ts";
import type { Bench } from "../database.ts";
import { languageOf } from "../../src/workbench/db/language.ts";
import { connection, costOf, grow, prepare, SETTINGS, tick } from "../tick/collections.ts";

/** New connections for one figure: the processor's time is counted in hundredths of a second. */
const CONNECTIONS = 5;

const inNewOnes = (bench: Bench, statement: string) => async (): Promise<number> => {
  let all = 0;
  for (let i = 0; i < CONNECTIONS; i++)
    all += await connection(bench, async (client) => {
      const cost = await costOf(client);
      await client.query(statement);
      return cost();
    });
  return all / CONNECTIONS;
};

async function run(context: Context): Promise<readonly Row[]> {
  const bench = await context.database(SETTINGS);
  const { client } = bench;
  const language = await languageOf(client);
  await prepare(client);
  await grow(bench, context, 1);
  for (let settled = 0; settled < 3; settled++) await tick(client);
  await client.query(`CREATE FUNCTION bench_empty() RETURNS void LANGUAGE ${language} AS ''`);
  const call =
    "SELECT ruvector.healing_call('tick_batch', '{\"collection_id\": 1, \"slice_elapsed\": 0}')";
  const costs = await interleaved(
    {
      nothing: inNewOnes(bench, "SELECT 1"),
      empty: inNewOnes(bench, "SELECT bench_empty()"),
      call: inNewOnes(bench, call),
      tick: inNewOnes(bench, "CALL ruvector.healing_tick()"),
    },
    context.quick ? 5 : 15,
  );
  // What a connection costs by itself is nobody's.
  const without = (values: readonly number[]): number[] =>
    values.map((value, round) => Math.max(0.1, value - costs.nothing[round]!));
  const empty = without(costs.empty);
  return [
    row(`first call of an empty ${language} function`, "CPU ms", spreadOf(empty)),
    row("first call of a short operation", "CPU ms", spreadOf(without(costs.call))),
    row("the same over the empty one", "ratio", ratioOf(without(costs.call), empty), {
      most: language === "plv8" ? 1.5 : 10,
    }),
    row("a tick of one healthy collection", "CPU ms", spreadOf(without(costs.tick))),
    row("the same over the empty one", "ratio", ratioOf(without(costs.tick), empty)),
  ];
}

const part: Part = {
  name: "cold",
  title: "the first call of a connection over that of an empty function",
  target: "at most 10 times (PLJS), 1.5 times (plv8); a healthy tick starts no JavaScript",
  run,
};
export default part;
