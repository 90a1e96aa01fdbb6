import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import "../../src/strategies/registry.ts";
import { chooseJobs } from "../../src/strategies/pause-maintenance/plan.ts";
import {
  type BlockedMemory,
  integrateWaits,
  type Wait,
} from "../../src/sense/collect/maintenance/blocked.ts";
import type { CronJob } from "../../src/sense/collect/maintenance/jobs.ts";
import { queueDepth } from "../../src/sense/collect/maintenance/queue.ts";
import type { MaintenanceSession } from "../../src/sense/collect/maintenance/sessions.ts";
import {
  delayNaptimes,
  pastSince,
  type TableBacklog,
} from "../../src/sense/collect/maintenance/vacuum.ts";
import { dueSince } from "../../src/sense/collect/maintenance/schedule.ts";

const at = (text: string): number => Date.parse(`${text}Z`) / 1000;

describe("when a job is due", () => {
  it.each([
    ["30 seconds", "2026-03-01T10:00:00", "2026-03-01T10:00:29", false],
    ["30 seconds", "2026-03-01T10:00:00", "2026-03-01T10:00:31", true],
    ["1 second", "2026-03-01T10:00:00", "2026-03-01T10:00:05", true],
    ["* * * * *", "2026-03-01T10:00:00", "2026-03-01T10:01:30", false],
    ["* * * * *", "2026-03-01T10:00:00", "2026-03-01T10:02:00", true],
    ["*/15 * * * *", "2026-03-01T10:15:01", "2026-03-01T10:29:59", false],
    ["*/15 * * * *", "2026-03-01T10:15:01", "2026-03-01T10:31:00", true],
    ["0 3 * * *", "2026-03-01T03:00:01", "2026-03-02T02:59:59", false],
    ["0 3 * * *", "2026-03-01T03:00:01", "2026-03-02T03:05:00", true],
    ["5,10-12 9-17/2 * jan-mar mon,tue", "2026-03-02T09:12:30", "2026-03-02T11:04:00", false],
    ["5,10-12 9-17/2 * jan-mar mon,tue", "2026-03-02T09:12:30", "2026-03-02T11:06:30", true],
    ["0 0 13 * 5", "2026-03-12T01:00:00", "2026-03-13T00:02:00", true],
    ["0 0 1 * 7", "2026-03-07T01:00:00", "2026-03-08T00:02:00", true],
    ["0 0 31 2 *", "2026-01-01T00:00:00", "2026-12-31T00:00:00", false],
  ])("%s, started %s, at %s: %s", (schedule, started, now, due) => {
    expect(dueSince(schedule, at(started), at(now), 0)).toBe(due);
  });

  it("goes by pg_cron's time zone", () => {
    expect(dueSince("0 3 * * *", at("2026-03-01T12:00:00"), at("2026-03-01T21:30:00"), 0)).toBe(
      false,
    );
    expect(
      dueSince("0 3 * * *", at("2026-03-01T12:00:00"), at("2026-03-01T21:30:00"), 6 * 3600),
    ).toBe(true);
  });

  it.each([
    "@reboot",
    "0 0 $ * *",
    "60 * * * *",
    "* * * *",
    "5-1 * * * *",
    "*/0 * * * *",
    "",
    "drop table",
  ])("%j is not understood, and not judged", (schedule) => {
    expect(dueSince(schedule, 0, at("2026-03-01T10:00:00"), 0)).toBeNull();
  });
});

describe("the queue", () => {
  const job = (change: Partial<CronJob> = {}): CronJob => ({
    jobid: "1",
    name: "job 1",
    schedule: "* * * * *",
    username: "me",
    active: true,
    priority: "normal",
    running: false,
    pid: null,
    due: false,
    waits: false,
    failing: false,
    last_message: null,
    last_start: null,
    blocked_recently: false,
    ...change,
  });
  const session = (kind: MaintenanceSession["kind"], phase: string | null): MaintenanceSession => ({
    pid: 1,
    kind,
    automatic: false,
    relid: null,
    relation: null,
    phase,
    done_pct: null,
  });
  const behind = (delay_naptimes: number): TableBacklog => ({
    relid: "1",
    table: "t",
    reason: "dead_rows",
    value: 2,
    threshold: 1,
    switched_off: false,
    delay_naptimes,
  });

  it(
    "counts what waits: jobs without a slot, maintenance without its lock, tables that " +
      "autovacuum passes by",
    () => {
      expect(queueDepth([job({ due: true, waits: true })], [], [])).toBe(1);
      expect(
        queueDepth(
          [],
          [
            session("queued", "waits for ShareLock"),
            session("create_index", "waiting for old snapshots"),
          ],
          [],
        ),
      ).toBe(2);
      expect(queueDepth([], [], [behind(4.9), behind(5)])).toBe(1);
    },
  );

  it(
    "is empty whatever runs, failed or was missed: twelve failing jobs, a backup of hours, " +
      "sixteen vacuums at night",
    () => {
      const harmless = Array.from({ length: 12 }, () => [
        job({ failing: true }),
        job({ running: true }),
        job({ running: true, due: true }),
        job({ due: true, failing: true }),
      ]).flat();
      const night = Array.from({ length: 16 }, () => [
        session("vacuum", "scanning heap"),
        session("create_index", "building index: loading tuples in tree"),
        session("analyze", null),
      ]).flat();
      expect(queueDepth(harmless, night, [])).toBe(0);
    },
  );
});

describe("a table past its threshold", () => {
  it("that was vacuumed while nobody looked is no later than it was seen again", () => {
    const at = (seen: number | undefined, vacuumed_at: number | null) =>
      pastSince(seen, { vacuumed_at }, { now: 5000, booted: 1000 });
    expect(at(undefined, null)).toBe(5000);
    expect(at(1400, 1460)).toBe(5000);
    expect(at(4900, 4000)).toBe(4900);
    expect(at(4900, null)).toBe(4900);
    expect(at(400, 300)).toBe(1000);
  });

  const hours = (given: number): number => given * 3600;

  it(
    "is behind from then on; one whose autovacuum is switched off after 26 hours, but for its " +
      "transaction ids",
    () => {
      expect(delayNaptimes({ switched_off: false, reason: "dead_rows" }, 120, 60)).toBe(2);
      expect(delayNaptimes({ switched_off: true, reason: "dead_rows" }, hours(26), 60)).toBe(0);
      expect(delayNaptimes({ switched_off: true, reason: "inserted_rows" }, hours(27), 60)).toBe(
        60,
      );
      expect(delayNaptimes({ switched_off: true, reason: "transaction_age" }, 120, 60)).toBe(2);
    },
  );
});

describe("blocked seconds", () => {
  const wait = (pid: number, since: number | null, kind: Wait["kind"] = "vacuum"): Wait => ({
    pid,
    since,
    kind,
    weight: 1,
  });
  const none = new Map<number, number>();

  it("of the first sample reach back to the beginning of the waits, a minute at most", () => {
    expect(
      integrateWaits(null, [wait(1, 970), wait(2, 900)], 1000, 60, none).per_minute,
    ).toMatchObject({ vacuum: 90, total: 90 });
  });

  it("of a wait that spans samples are its length, whenever the samples were", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 1000, max: 1050, noNaN: true }), { minLength: 1, maxLength: 20 }),
        (times) => {
          const samples = [...times].sort((a, b) => a - b);
          let memory: BlockedMemory | null = null;
          let seconds = 0;
          for (const now of samples)
            ({
              memory,
              per_minute: { total: seconds },
            } = integrateWaits(memory, [wait(1, 1000)], now, 60, none));
          expect(seconds).toBeCloseTo(samples[samples.length - 1]! - 1000, 4);
        },
      ),
    );
  });

  it("count to the end of the wait where it is known, to the middle where it is not", () => {
    const { memory } = integrateWaits(null, [wait(1, 1000)], 1010, 60, none);
    expect(integrateWaits(memory, [], 1020, 60, new Map([[1, 1013]])).per_minute.total).toBeCloseTo(
      13,
      6,
    );
    expect(integrateWaits(memory, [], 1020, 60, none).per_minute.total).toBeCloseTo(15, 6);
    // The loop stood still: in ten minutes it ended some time before the last one.
    expect(integrateWaits(memory, [], 1610, 60, none).per_minute.total).toBe(0);
  });

  it("are forgotten after the stabilizing time, and never above what the minute held", () => {
    let { memory } = integrateWaits(null, [wait(1, 1000)], 1010, 10, none);
    ({ memory } = integrateWaits(memory, [], 1011, 10, new Map([[1, 1010.5]])));
    expect(integrateWaits(memory, [], 1015, 10, none).per_minute.total).toBeGreaterThan(0);
    expect(integrateWaits(memory, [], 1022, 10, none).per_minute.total).toBe(0);
    expect(integrateWaits(null, [wait(1, 1009)], 1010, 10, none).per_minute.total).toBeCloseTo(
      1,
      6,
    );
  });

  it("survive a clock that was set back", () => {
    const { memory } = integrateWaits(null, [wait(1, 1000)], 1010, 10, none);
    expect(integrateWaits(memory, [wait(1, null)], 900, 10, none).per_minute.total).toBe(0);
  });

  it("stay within a minute's worth per session", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: 0, max: 30, noNaN: true }), fc.nat(3)), {
          maxLength: 30,
        }),
        (steps) => {
          let memory: BlockedMemory | null = null;
          let now = 1000;
          for (const [gap, waiting] of steps) {
            now += gap;
            const waits = Array.from({ length: waiting }, (_, pid) => wait(pid, now - gap));
            const { per_minute, memory: next } = integrateWaits(memory, waits, now, 10, none);
            memory = next;
            expect(per_minute.total).toBeGreaterThanOrEqual(0);
            expect(per_minute.total).toBeLessThanOrEqual(4 * 60 + 1e-6);
          }
        },
      ),
    );
  });
});

describe("which jobs are paused", () => {
  const job = (jobid: string, change: Partial<CronJob> = {}): CronJob => ({
    jobid,
    name: `job ${jobid}`,
    schedule: "* * * * *",
    username: "me",
    active: true,
    priority: "normal",
    running: true,
    pid: null,
    due: false,
    waits: false,
    failing: false,
    last_message: null,
    last_start: null,
    blocked_recently: false,
    ...change,
  });
  const rights = { role: "me", name: "me", superuser: false, may_alter: true };

  it("those that contend, low priority first, high never, others' not", () => {
    const jobs = [
      job("1"),
      job("2", { priority: "low" }),
      job("3", { priority: "high" }),
      job("4", { running: false }),
      job("5", { username: "you" }),
      job("6", { active: false }),
      job("7", { running: false, blocked_recently: true }),
      job("8", { running: false, failing: true }),
      job("9", { running: false, due: true }),
    ];
    // What only runs, failed or was missed is in nobody's way.
    expect(chooseJobs(jobs, null, rights)).toMatchObject({ paused: [{ jobid: "7" }], left: [] });
    // Once others wait for the slots of those that run, these contend as well.
    const full = [...jobs, job("10", { running: false, due: true, waits: true })];
    const { paused, left } = chooseJobs(full, null, rights);
    expect(paused.map(({ jobid }) => jobid)).toEqual(["2", "1", "7", "10"]);
    expect(left.map(({ name }) => name)).toEqual(["job 3", "job 5"]);
    expect(
      chooseJobs(full, null, { ...rights, superuser: true }).paused.map(({ jobid }) => jobid),
    ).toEqual(["2", "1", "5", "7", "10"]);
    expect(chooseJobs(jobs, ["job 4", "job 6", "nobody"], rights)).toMatchObject({
      paused: [{ jobid: "4" }],
      left: [{ name: "job 6" }, { name: "nobody" }],
    });
    expect(chooseJobs(jobs, null, { ...rights, may_alter: false }).left[0]?.reason).toContain(
      "GRANT EXECUTE ON FUNCTION cron.alter_job",
    );
  });

  it.each([
    ["priority", { name: "it's", priority: "high" }, {}, "job_priority('it''s', 'normal');"],
    ["right", {}, { may_alter: false }, "GRANT EXECUTE ON FUNCTION cron.alter_job TO me;"],
    ["owner", { username: "you" }, {}, "As you: SELECT cron.alter_job(7, active := false);"],
    ["name", { active: false }, {}, "FROM cron.job WHERE active AND database ="],
  ] as const)("what would change its %s is the hint", (_, change, right, hint) => {
    const one = job("7", change);
    expect(chooseJobs([one], [one.name], { ...rights, ...right }).hint).toContain(hint);
  });
});
