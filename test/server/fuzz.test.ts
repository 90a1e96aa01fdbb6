/**
 * Every ruvector_* function with generated arguments, a few of each; npm run test:fuzz has as many
 * as are wanted.
 */
import { expect, it } from "vitest";
import { documented, fuzz } from "../fuzz/fuzz.ts";
import { cronDatabase, external } from "./support/cron.ts";

// In pg_cron's database, so that what schedules is tried too.
const db = external ? undefined : await cronDatabase();

it.skipIf(external)(
  "only documented SQLSTATEs come back from generated arguments, and no backend dies",
  async () => {
    const said: string[] = [];
    const results = await fuzz({
      url: db!.url,
      seed: 5,
      count: 40,
      log: (line) => said.push(line),
    });
    expect(
      results.flatMap(({ name, findings }) => findings.map((finding) => ({ name, ...finding }))),
    ).toEqual([]);
    const called = Object.fromEntries(results.map(({ name, states }) => [name, states]));
    expect(results.length, said.join("\n")).toBeGreaterThanOrEqual(30);
    // Calls go well and wrong: arguments that are all refused, or none, would test little.
    const counted = results.flatMap(({ states }) => Object.entries(states));
    expect(
      counted.reduce((sum, [state, times]) => sum + (state === "ok" ? times : 0), 0),
    ).toBeGreaterThan(200);
    expect(new Set(counted.map(([state]) => state)).size).toBeGreaterThan(5);
    expect(called["public.ruvector_healing_trigger"]?.["ok"]).toBeGreaterThan(0);
  },
  600_000,
);

it("docs/errors.md is what is taken for documented", async () => {
  const states = await documented();
  expect(states).toContain("RV001");
  expect(states).not.toContain("RV999");
});
