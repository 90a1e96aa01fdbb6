/**
 * Entry of the bundle that a chaos run installs instead of the product's: the same, but every
 * method of a strategy that runs in the database first looks whether the row of chaos.sabotage is
 * for it, and then fails in the way the row says.
 */
import sql from "sql-template-tag";
import { STRATEGIES } from "../../src/strategies/registry.ts";
import type { Strategy } from "../../src/strategies/strategy.ts";
import { postgres } from "../../src/host/postgres.ts";
import { HealingError } from "../../src/base/errors.ts";
import { STEPS } from "./sabotage-steps.ts";

export { call } from "../../src/api/bundle.ts";

const recurse = (depth: number): number => recurse(depth + 1) + 1;

const WAYS: Readonly<Record<string, () => unknown>> = {
  error: () => {
    throw new TypeError("sabotaged: a defect");
  },
  text: () => {
    throw "sabotaged: no Error at all";
  },
  nothing: () => {
    throw undefined;
  },
  healing: () => {
    throw new HealingError("remedy_refused", "sabotaged: refused");
  },
  division: () => postgres.query(sql`SELECT chaos.fail('22012')`),
  lock: () => postgres.query(sql`SELECT chaos.fail('55P03')`),
  serialization: () => postgres.query(sql`SELECT chaos.fail('40001')`),
  recursion: () => recurse(0),
  memory: () => {
    const kept: string[] = [];
    for (;;) kept.push(`${kept.length}`.repeat(100_000));
  },
  slow: () => postgres.query(sql`SELECT pg_sleep(0.6)`),
  busy: () => {
    for (const end = Date.now() + 600; Date.now() < end;) JSON.stringify({ end });
  },
};

/** Ways that end in an error also after the method has done its work. */
const sabotaged = (strategy: Strategy): Strategy => {
  const result: Record<string, unknown> = { ...strategy };
  for (const step of STEPS) {
    const original = (
      strategy as unknown as Record<string, ((...args: unknown[]) => unknown) | undefined>
    )[step];
    if (!original) continue;
    result[step] = (...args: unknown[]) => {
      const [found] = postgres.query<{ way: string; afterwards: boolean }>(sql`
        SELECT way, afterwards FROM chaos.sabotage WHERE step = ${step} AND (strategy IS NULL
          OR strategy = ${strategy.name}) LIMIT 1`);
      const strike = (): void => {
        // Counted by a sequence, which no rollback takes back.
        postgres.query(sql`SELECT nextval('chaos.hits')`);
        WAYS[found!.way]!();
      };
      if (found && !found.afterwards) strike();
      const answer = original.apply(strategy, args);
      if (found?.afterwards) strike();
      return answer;
    };
  }
  return result as unknown as Strategy;
};

for (const [place, strategy] of STRATEGIES.entries())
  (STRATEGIES as Strategy[])[place] = sabotaged(strategy);
