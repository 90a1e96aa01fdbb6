/** What a new connection pays before JavaScript answers: pg_cron opens one for each tick. */
import { interleaved, ratioOf, spreadOf } from "../measure.ts";
import { type Context, type Part, type Row, row } from "../part.ts";
import type { Bench } from "../database.ts";
import { languageOf } from "../../src/workbench/db/language.ts";
import { connection, grow, prepare, SETTINGS, settle } from "../tick/collections.ts";

/** By the clock: a processor's time is counted in hundredths of a second, and this takes less. */
const inNewOne = (bench: Bench, statement: string) => (): Promise<number> =>
  connection(bench, async (client) => {
    await client.query("SELECT 1");
    const began = performance.now();
    await client.query(statement);
    return performance.now() - began;
  });

async function run(context: Context): Promise<readonly Row[]> {
  const bench = await context.database(SETTINGS);
  const { client } = bench;
  const language = await languageOf(client);
  await prepare(client);
  await grow(bench, context, 1);
  await settle(client);
  await client.query(`CREATE FUNCTION bench_empty() RETURNS void LANGUAGE ${language} AS ''`);
  const call =
    "SELECT ruvector.healing_call('tick_batch', '{\"collection_id\": 1, \"slice_elapsed\": 0}')";
  const { empty, short, whole } = await interleaved(
    {
      empty: inNewOne(bench, "SELECT bench_empty()"),
      short: inNewOne(bench, call),
      whole: inNewOne(bench, "CALL ruvector.healing_tick()"),
    },
    context.quick ? 11 : 51,
  );
  return [
    row(`first call of an empty ${language} function`, "ms", spreadOf(empty)),
    row("first call of a short operation", "ms", spreadOf(short)),
    row("the same over the empty one", "ratio", ratioOf(short, empty), {
      most: language === "plv8" ? 1.5 : 10,
    }),
    row("a tick of one healthy collection", "ms", spreadOf(whole)),
    row("that over the empty function", "ratio", ratioOf(whole, empty)),
  ];
}

const part: Part = {
  name: "cold",
  title: "the first call of a connection over that of an empty function",
  target: "at most 10 times (PLJS), 1.5 times (plv8); a healthy tick starts no JavaScript",
  run,
};
export default part;
