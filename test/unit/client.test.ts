/** What HealingClient sends; its types are those of the SQL functions and their schemas. */
import { readFile } from "node:fs/promises";
import type pg from "pg";
import { expect, expectTypeOf, it } from "vitest";
import { CLIENT_FUNCTIONS, clientFunctions } from "../../build/client-functions.ts";
import { describedFunctions } from "../../build/sql-functions.ts";
import { HealingClient, type Queryable } from "../../src/client/index.ts";
import type {
  ExecuteParams,
  RegisterOptions,
  ReportMetrics,
  Settings,
} from "../../src/client/index.ts";
import type { Options } from "../../src/collection/register.ts";
import type { Mutable, PushedMetricsInput } from "./support/schema-types.ts";

/** Answers what it is told to, and remembers what was asked. */
function recorder(answer: unknown[] = []) {
  const asked: { text: string; values: unknown[] | undefined }[] = [];
  const on: Queryable = {
    query: (text, values) => {
      asked.push({ text, values });
      return Promise.resolve({ rows: answer.map((one) => ({ answer: JSON.stringify(one) })) });
    },
  };
  return { asked, healing: new HealingClient(on) };
}

it("src/client/functions.ts has the functions as they are (npm run build writes it)", async () => {
  expect(await readFile(CLIENT_FUNCTIONS, "utf8")).toBe(await clientFunctions());
  const { healing } = recorder();
  // One method a name, listen() beside them.
  const names = new Set((await describedFunctions()).map(({ name }) => name));
  expect(Object.keys(healing)).toHaveLength(names.size + 1);
});

it("names arguments as SQL has them, casts them, and leaves out what is not given", async () => {
  const { asked, healing } = recorder([{}]);
  await healing.execute({
    collection: "docs",
    strategy: "compact_indexes",
    params: { dry_run: true },
  });
  await healing.history({ limit: 5 });
  await healing.rollback({ collection: "docs" });
  await healing.metricSamples({ families: ["a"] });
  await healing.tick();
  expect(asked.map(({ text }) => text.replace(/^.*? FROM /, ""))).toEqual([
    "ruvector.ruvector_healing_execute(collection => $1::text, strategy => $2::text, " +
      "params => $3::jsonb) AS r(value)",
    "ruvector.ruvector_healing_history(limit_ => $1::integer) AS r",
    "ruvector.ruvector_healing_rollback(collection => $1::text) AS r(value)",
    "ruvector.ruvector_healing_metric_samples(VARIADIC families => $1::text[]) AS r",
    "CALL public.ruvector_healing_tick()",
  ]);
  expect(asked[0]!.values).toEqual(["docs", "compact_indexes", '{"dry_run":true}']);
});

it("gives rows and values as JSON has them, refuses an argument that there is not", async () => {
  const { healing } = recorder([{ collection_: "public.docs", k_: 10, rows: 3 }]);
  const [row] = await healing.listOccupancy();
  expect(row).toEqual({ collection: "public.docs", k_: 10, rows: 3 });
  expect(await recorder(["text"]).healing.metrics()).toBe("text");
  expect(await recorder([null]).healing.actuationTake({ actuator: "a" })).toBeNull();
  // @ts-expect-error there is no such argument
  await expect(healing.history({ limt: 5 })).rejects.toThrow('no "limt"; it takes since, limit');
});

it("says what can be given together, where PostgreSQL only knows no such function", async () => {
  const { asked, healing } = recorder([{}]);
  await expect(healing.explain({ action_id: 1, collection: "docs" })).rejects.toThrow(
    "ruvector_healing_explain was given action_id, collection; it takes action_id; or [collection]",
  );
  const unchecked = healing as unknown as Record<string, (given: object) => Promise<unknown>>;
  for (const [method, given] of [
    ["route", { key: "1" }],
    ["jobPriority", { jobname: "nightly" }],
    ["trust", {}],
  ] as const)
    await expect(unchecked[method]!(given)).rejects.toThrow(/was given \w+; it takes \w+/);
  expect(asked).toEqual([]);
  // What the server tells better is asked of it.
  for (const [method, given] of [
    ["explain", {}],
    ["rollback", { action_id: 1 }],
    ["grant", { role: "alice" }],
    ["report", { format: "json" }],
  ] as const)
    await unchecked[method]!(given);
  expect(asked).toHaveLength(4);
});

it("sends no number that JSON has not: null in its place would take a setting back", async () => {
  const { asked, healing } = recorder([{}]);
  for (const value of [NaN, Infinity])
    await expect(healing.configure({ settings: { stress_threshold: value } })).rejects.toThrow(
      `"stress_threshold" is ${value}`,
    );
  // What every object has is no argument.
  const inherited = { constructor: "docs" } as unknown as { collection: string };
  await expect(healing.verdict(inherited)).rejects.toThrow('no "constructor"; it takes collection');
  expect(asked).toEqual([]);
});

it("takes what node-postgres has, and has the types of what the bundle validates", () => {
  expectTypeOf<pg.Pool>().toExtend<Queryable>();
  expectTypeOf<pg.Client>().toExtend<Queryable>();
  expectTypeOf<pg.PoolClient>().toExtend<Queryable>();
  expectTypeOf<Mutable<RegisterOptions>>().toEqualTypeOf<Mutable<Options>>();
  expectTypeOf<Mutable<ReportMetrics>>().toEqualTypeOf<PushedMetricsInput>();
  expectTypeOf<ExecuteParams["dry_run"]>().toEqualTypeOf<boolean | undefined>();
  expectTypeOf<Settings["stress_threshold"]>().toEqualTypeOf<number>();
  const { healing } = recorder();
  expectTypeOf(healing.history).parameter(0).toExtend<object | undefined>();
  // @ts-expect-error a collection is not optional
  void healing.trigger();
  expectTypeOf(healing.verdict()).resolves.toExtend<readonly { verdict: string | null }[]>();
});
