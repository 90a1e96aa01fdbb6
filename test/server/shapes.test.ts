/**
 * Usual schemas are left alone: the short form of `npm run shapes`, with fewer hours and ticks, and
 * with a true fault for some of them.
 */
import { beforeAll, expect, it } from "vitest";
import { HEALTHY, runShapes, type ShapeResult } from "../shapes/run.ts";
import { readShapes } from "../shapes/shape.ts";
import { external } from "./support/cron.ts";

// The shapes fill a server of their own, which DATABASE_URL cannot give them.
const results = new Map<string, ShapeResult>();
const faulty = (): ShapeResult[] => [...results.values()].filter(({ fault }) => fault !== null);

beforeAll(async () => {
  if (external) return;
  const found = await runShapes({
    name: `${process.env["RUVECTOR_HEALING_TEST_SERVER"] ?? "test"}-shapes`,
    hours: 2,
    ticksPerHour: 2,
    faults: "some",
    replicas: 0,
    log: () => undefined,
  });
  for (const result of found) results.set(result.shape, result);
}, 900_000);

it.skipIf(external).for(readShapes().map(({ name }) => name))(
  "%s is left alone",
  (name, { skip }) => {
    const { skipped, problems, lowest_lambda, actions } = results.get(name)!;
    skip(skipped, problems.join());
    // One that registration refuses has no lambda.
    expect(problems.filter((problem) => !problem.startsWith("with a true fault"))).toEqual([]);
    if (lowest_lambda !== null) expect(lowest_lambda).toBeGreaterThanOrEqual(HEALTHY);
    expect(actions).toEqual([]);
  },
);

it.skipIf(external)(
  "with a true fault they are not: it is called what it is, on a few of each class",
  () => {
    expect(
      faulty()
        .map(({ shape, fault }) => ({ shape, ...fault }))
        .filter(({ named }) => !named),
    ).toEqual([]);
    expect([...new Set(faulty().map(({ fault }) => fault!.class ?? "none"))].sort()).toEqual([
      "centroid_skew",
      "hotspot_congestion",
      "index_fragmentation",
      "maintenance_contention",
      "memory_pressure",
    ]);
  },
);
