import type { Configuration } from "../../../src/model/configuration.ts";
import { describe, expect, it } from "vitest";
import type { PlannedFacts } from "../../../src/select/guards/index.ts";
import { radiusLeft } from "../../../src/select/blast-radius.ts";
import { PLANNED, planned, reason, refuse } from "../support/guards.ts";

const cost = (more: Partial<PlannedFacts["cost"]>): ReturnType<typeof planned> =>
  planned({ cost: { ...PLANNED.cost, ...more } });

describe("blast radius", () => {
  it("is asked once there is a plan, and lets through what fits, to the last unit", () => {
    expect(reason({ planned: null })).toBeUndefined();
    expect(reason(planned({}))).toBeUndefined();
    // 400 rows were moved on the server, 1000 may be.
    expect(reason(cost({ rows: 600 }))).toBeUndefined();
    expect(reason(cost({ rows: 601 }))).toBe("blast_radius");
  });

  it("names the first limit that is passed, what was there already, and what would flip it", () => {
    expect(refuse(cost({ rows: 1001 }))).toMatchObject({
      measured: 1001,
      flips_at: "max_moves of 1001 or more",
      message: "the plan would move 1001 rows: max_moves is 1000 rows",
      hint: `SELECT ruvector_healing_configure('{"max_moves": 1001}', 'public.embeddings');`,
    });
    expect(refuse(cost({ wal_bytes: 199_500 }))).toMatchObject({
      measured: 200_500,
      flips_at:
        "max_wal_bytes_per_hour of 200500 or more, or from 2026-01-09T23:16:40Z on, as the " +
        "hour passes",
      message:
        "the plan would write to the log 194.8 kB, after 1000 bytes on this collection " +
        "within the last hour: max_wal_bytes_per_hour is 195.3 kB",
    });
    expect(refuse(cost({ bytes: 98_500 }))).toMatchObject({
      measured: 100_500,
      hint: `SELECT ruvector_healing_configure('{"max_server_bytes_per_hour": 100500}');`,
    });
  });

  it("counts locks", () => {
    expect(reason(planned({ relation_locks: 2000 }))).toBeUndefined();
    expect(refuse(planned({ relation_locks: 2001 }))).toMatchObject({
      reason: "blast_radius",
      measured: 2001,
      flips_at: "max_locks_per_action of 2001 or more",
    });
  });

  it("refuses what is no number, in the plan, in what was used and in the limits", () => {
    for (const broken of [Number.NaN, undefined as unknown as number]) {
      expect(reason(cost({ rows: broken }))).toBe("blast_radius");
      expect(reason(cost({ wal_bytes: broken }))).toBe("blast_radius");
      expect(reason(planned({ relation_locks: broken }))).toBe("blast_radius");
      const [first, ...rest] = PLANNED.scopes;
      expect(
        reason(
          planned({ scopes: [{ ...first!, used: { ...first!.used, bytes: broken } }, ...rest] }),
        ),
      ).toBe("blast_radius");
      expect(
        reason(
          planned({ scopes: [{ ...first!, limits: { ...first!.limits, rows: broken } }, ...rest] }),
        ),
      ).toBe("blast_radius");
    }
    const [first, ...rest] = PLANNED.scopes;
    expect(
      reason(
        planned({
          scopes: [
            { ...first!, limits: { ...first!.limits, rows: null as unknown as number } },
            ...rest,
          ],
        }),
      ),
    ).toBe("blast_radius");
    expect(reason(cost({ rows: Number.MAX_SAFE_INTEGER }))).toBe("blast_radius");
    expect(reason(cost({ bytes: Infinity }))).toBe("blast_radius");
  });

  it("does not hold up whoever names a strategy", () => {
    expect(reason({ mode: "explicit", ...cost({ rows: 1e9 }) })).toBeUndefined();
  });

  it("what is left is the least of all scopes, and never less than nothing", () => {
    const settings = { max_locks_per_action: 7 } as Configuration;
    expect(radiusLeft(PLANNED.scopes, settings)).toEqual({
      rows: 600,
      bytes: 98_000,
      wal_bytes: 198_000,
      relation_locks: 7,
    });
    const [first] = PLANNED.scopes;
    expect(
      radiusLeft([{ ...first!, used: { rows: 5000, bytes: 0, wal_bytes: 0 } }], settings).rows,
    ).toBe(0);
  });
});
