/** Whether a plan would pass its own verification, and what throttle_ingestion foresees. */
import type { Configuration } from "../../src/model/configuration.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SETTINGS } from "../../src/configuration/settings.ts";
import { type Level, predictedLambda } from "../../src/strategies/throttle-ingestion/plan.ts";
import { noGain } from "../../src/select/gain.ts";
import { assess } from "../../src/sense/assess.ts";
import { improved, needed } from "../../src/graph/improvement.ts";
import { told } from "./support/guards.ts";
import { quietSnapshot } from "./support/snapshot.ts";

const settings = Object.fromEntries(
  SETTINGS.map(({ key, default: value }) => [key, value]),
) as unknown as Configuration;
const asked = { collection: "public.t", lambda: 0.25, reported: false, verify_ratio: 1.1 };
const plan = (predicted_lambda: number | null) => ({
  strategy: "throttle_ingestion",
  predicted_lambda,
});

describe("no gain foreseen", () => {
  it("says what is foreseen, what verification asks for, and what would flip it", () => {
    expect(told(noGain(plan(0.26), asked)!)).toEqual({
      reason: "no_gain_foreseen",
      measured: {
        strategy: "throttle_ingestion",
        lambda: 0.25,
        predicted_lambda: 0.26,
        needed_lambda: 0.25 * 1.1,
      },
      flips_at: "a plan that foresees lambda above 0.275, or verify_ratio below 1.04",
      message:
        "throttle_ingestion foresees lambda 0.25 -> 0.26, and verification asks for more " +
        "than 0.275 (verify_ratio 1.1): it would be undone",
      hint:
        "SELECT ruvector_healing_execute('public.t', 'throttle_ingestion', " +
        `'{"dry_run":true}'); shows the plan.`,
    });
    // No ratio lets lambda pass that stays as it is.
    expect(told(noGain(plan(0.25), asked)!).flips_at).toBe(
      "a plan that foresees lambda above 0.275",
    );
  });

  it("is what the verification itself would say", () => {
    const lambda = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        lambda,
        lambda,
        fc.double({ min: 1, max: 3, noNaN: true }),
        (now, foreseen, verify_ratio) => {
          expect(noGain(plan(foreseen), { ...asked, lambda: now, verify_ratio }) === null).toBe(
            improved(now, foreseen, verify_ratio),
          );
          if (foreseen < needed(now, verify_ratio))
            expect(improved(now, foreseen, verify_ratio)).toBe(false);
        },
      ),
    );
  });

  it("is not said where nothing is foreseen, or of another's lambda", () => {
    expect(noGain(plan(null), asked)).toBeNull();
    expect(noGain(plan(0.25), { ...asked, lambda: null })).toBeNull();
    expect(noGain(plan(0.25), { ...asked, reported: true })).toBeNull();
  });
});

describe("what a throttle foresees", () => {
  const LEVEL: Level = { insert_pct: 90, bulk_pct: 100, mode: "delay", max_delay_seconds: 2 };
  const traffic = (writes: number, inserted = 1, rate = 100) => ({
    reads: null,
    writes,
    reads_per_second: 0,
    writes_per_second: writes * rate,
    inserted,
  });
  const partitions = (change: (place: number) => object) =>
    quietSnapshot().partitions.map((one, place) => ({ ...one, ...change(place) }));
  const now = (snapshot: ReturnType<typeof quietSnapshot>) =>
    assess(snapshot, settings).reading.lambda;
  const foreseen = (
    snapshot: ReturnType<typeof quietSnapshot>,
    problem: "hotspot_congestion" | "memory_pressure" | "replication_lag",
    more: Partial<Configuration> = {},
  ) => predictedLambda(snapshot, problem, LEVEL, { ...settings, ...more });

  it("no gain for partitions that are large, or empty, or take most inserts by design", () => {
    for (const snapshot of [
      quietSnapshot({
        partitions: partitions((place) => ({
          rows: place === 3 ? 20_000 : 500,
          traffic: traffic(1),
        })),
      }),
      quietSnapshot({
        partitions: partitions((place) => ({
          rows: place < 2 ? 6000 : 0,
          traffic: traffic(place === 3 ? 1 : 0),
        })),
      }),
      quietSnapshot({
        partitions: partitions((place) => ({ traffic: traffic(place === 3 ? 6 : 0.2) })),
      }),
    ]) {
      const lambda = now(snapshot);
      expect(lambda).toBeLessThan(0.8);
      expect(
        noGain(plan(foreseen(snapshot, "hotspot_congestion")), { ...asked, lambda }),
      ).not.toBeNull();
    }
  });

  it(
    "a gain where a partition is hot by inserts and the others by updates, once it is waited " +
      "for",
    () => {
      const snapshot = quietSnapshot({
        partitions: partitions((place) => ({
          traffic: traffic(place === 3 ? 6 : 2 / 7, place === 3 ? 1 : 0),
        })),
      });
      const lambda = now(snapshot)!;
      expect(lambda).toBeLessThan(0.8);
      expect(foreseen(snapshot, "hotspot_congestion", { stabilize_seconds: 120 })).toBeGreaterThan(
        1.1 * lambda,
      );
      // Within 10 s little of it shows in a share that is smoothed over 60.
      expect(foreseen(snapshot, "hotspot_congestion")).toBeGreaterThan(lambda);
    },
  );

  it("nothing known of memory reported from outside, no gain for memory that is measured", () => {
    const reported = quietSnapshot({ pushed: { memory_usage_pct: 96 } });
    expect(foreseen(reported, "memory_pressure")).toBeNull();
    expect(foreseen(quietSnapshot(), "memory_pressure")).toBe(now(quietSnapshot()));
  });

  it("a gain for a replica that lags, by what it catches up meanwhile", () => {
    const lagging = quietSnapshot({
      pushed: { replication_lag_seconds: { r: 20 } },
      replicas: [
        {
          id: "r",
          label: "r",
          kind: "connected",
          lag_seconds: 20,
          lag_bytes: 1,
          retained_pct: null,
          inactive_seconds: null,
          lost: false,
        },
      ] as never,
    });
    expect(foreseen(lagging, "replication_lag")).toBeGreaterThan(1.1 * now(lagging)!);
  });

  it("no gain where nothing is inserted, whatever the problem", () => {
    const lagging = (rate: number, inserted: number) =>
      quietSnapshot({
        pushed: { replication_lag_seconds: { r: 20 }, memory_usage_pct: 95 },
        partitions: partitions(() => ({ traffic: traffic(1, inserted, rate) })),
        replicas: [
          {
            id: "r",
            label: "r",
            kind: "connected",
            lag_seconds: 20,
            lag_bytes: 1,
            retained_pct: null,
            inactive_seconds: null,
            lost: false,
          },
        ] as never,
      });
    for (const snapshot of [lagging(100, 0), lagging(0.001, 1)]) {
      for (const problem of ["replication_lag", "memory_pressure", "hotspot_congestion"] as const)
        expect(foreseen(snapshot, problem)).toBe(now(snapshot));
    }
    expect(foreseen(lagging(100, 1), "memory_pressure")).toBeNull();
  });
});
