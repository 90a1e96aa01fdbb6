/**
 * Maintenance windows: local hours in real time zones, over midnight and over the change to summer
 * time, and what they keep the loop from.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, HOT, IN_ONE_GO, makeTable, ticks } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
});

interface Now {
  readonly open: boolean | null;
  readonly closes: string | null;
  readonly opens: string | null;
  readonly problem: string | null;
}

const at = async (windows: unknown, time: string): Promise<Now> =>
  (
    await db.rows<Now>(
      `SELECT is_open AS open, ruvector.healing_timestamp(closes_at) AS closes,
        ruvector.healing_timestamp(opens_at) AS opens, problem
                         FROM ruvector.healing_window($1, $2)`,
      [JSON.stringify(windows), time],
    )
  )[0]!;

const NIGHT = [{ days: ["sat", "sun"], from: "22:00", to: "04:00", time_zone: "Europe/Vienna" }];

describe("a window over midnight", () => {
  // Vienna is UTC+1 in January. 2026-01-10 is a Saturday.
  it.each([
    [
      "before it, on its day",
      "2026-01-10 20:59:59Z",
      { open: false, closes: null, opens: "2026-01-10T21:00:00Z" },
    ],
    [
      "at its first instant",
      "2026-01-10 21:00:00Z",
      { open: true, closes: "2026-01-11T03:00:00Z", opens: "2026-01-11T21:00:00Z" },
    ],
    [
      "after midnight: it belongs to the day it began",
      "2026-01-11 02:59:59Z",
      { open: true, closes: "2026-01-11T03:00:00Z" },
    ],
    ["at its end", "2026-01-11 03:00:00Z", { open: false, opens: "2026-01-11T21:00:00Z" }],
    [
      "Monday morning, of Sunday's",
      "2026-01-12 02:00:00Z",
      { open: true, closes: "2026-01-12T03:00:00Z" },
    ],
    [
      "Saturday morning is Friday's, and no Friday is named",
      "2026-01-10 02:00:00Z",
      { open: false },
    ],
    [
      "Monday evening: the next one is days away",
      "2026-01-12 21:00:00Z",
      { open: false, opens: "2026-01-17T21:00:00Z" },
    ],
  ])("%s", async (_, time, expected) => {
    expect(await at(NIGHT, time)).toMatchObject({ ...expected, problem: null });
  });
});

describe("time zones", () => {
  it("the same local hours are other hours of the world, and others in summer", async () => {
    const hours = (time_zone: string) => [{ from: "01:00", to: "02:00", time_zone }];
    expect(await at(hours("America/New_York"), "2026-01-14 06:30Z")).toMatchObject({ open: true });
    expect(await at(hours("America/New_York"), "2026-07-14 06:30Z")).toMatchObject({ open: false });
    expect(await at(hours("America/New_York"), "2026-07-14 05:30Z")).toMatchObject({ open: true });
    // Half an hour off, and a day ahead.
    expect(await at(hours("Asia/Kolkata"), "2026-01-13 19:45Z")).toMatchObject({ open: true });
    expect(
      await at(
        [{ days: ["wed"], from: "00:00", to: "01:00", time_zone: "Pacific/Kiritimati" }],
        "2026-01-13 10:30Z",
      ),
    ).toMatchObject({ open: true });
  });

  it("without a time zone it is UTC, whatever the session has", async () => {
    await db.client.query("SET TimeZone = 'Asia/Tokyo'");
    expect(await at([{ from: "10:00", to: "11:00" }], "2026-01-14 10:30Z")).toMatchObject({
      open: true,
    });
    await db.client.query("RESET TimeZone");
  });
});

describe("the change to summer time and back, Vienna 2026", () => {
  const hours = (from: string, to: string) => [{ from, to, time_zone: "Europe/Vienna" }];
  // 2026-03-29: at 02:00 (01:00Z) clocks go to 03:00. 2026-10-25: at 03:00 (01:00Z) they go to
  // 02:00.
  it("a night over it is an hour shorter in spring and longer in autumn", async () => {
    expect(await at(hours("22:00", "04:00"), "2026-03-28 21:30Z")).toMatchObject({
      open: true,
      closes: "2026-03-29T02:00:00Z",
    });
    expect(await at(hours("22:00", "04:00"), "2026-10-24 20:30Z")).toMatchObject({
      open: true,
      closes: "2026-10-25T03:00:00Z",
    });
  });

  it("a window within the hour that does not exist opens the day after", async () => {
    expect(await at(hours("02:00", "03:00"), "2026-03-29 00:30Z")).toMatchObject({
      open: false,
      opens: "2026-03-30T00:00:00Z",
    });
    expect(
      await at(
        [{ days: ["sun"], from: "02:00", to: "03:00", time_zone: "Europe/Vienna" }],
        "2026-03-28 12:00Z",
      ),
    ).toMatchObject({ open: false, opens: "2026-04-05T00:00:00Z" });
  });

  it("of the hour that comes twice it is the second", async () => {
    expect(await at(hours("02:00", "03:00"), "2026-10-25 00:30Z")).toMatchObject({
      open: false,
      opens: "2026-10-25T01:00:00Z",
    });
    expect(await at(hours("02:00", "03:00"), "2026-10-25 01:30Z")).toMatchObject({
      open: true,
      closes: "2026-10-25T02:00:00Z",
    });
  });
});

describe("several windows", () => {
  it("that touch or overlap are one", async () => {
    const windows = [
      { from: "22:00", to: "24:00" },
      { from: "00:00", to: "02:00" },
      { from: "01:00", to: "03:00" },
    ];
    expect(await at(windows, "2026-01-14 23:00Z")).toEqual({
      open: true,
      closes: "2026-01-15T03:00:00Z",
      opens: "2026-01-15T22:00:00Z",
      problem: null,
    });
  });

  it("whole days on end close at the end of the last; all of them never", async () => {
    expect(await at([{ days: ["sat", "sun"] }], "2026-01-10 12:00Z")).toMatchObject({
      open: true,
      closes: "2026-01-12T00:00:00Z",
    });
    expect(await at([{}], "2026-01-10 12:00Z")).toMatchObject({ open: true, closes: null });
  });

  it("none set: neither open nor closed", async () => {
    expect(await at([], "2026-01-10 12:00Z")).toEqual({
      open: null,
      closes: null,
      opens: null,
      problem: null,
    });
  });

  it("a time zone that this server does not know is closed, and says why", async () => {
    expect(await at([{ time_zone: "Mars/Olympus" }], "2026-01-10 12:00Z")).toMatchObject({
      open: false,
      opens: null,
      problem: expect.stringContaining("Mars/Olympus"),
    });
  });
});

describe("what is refused at configuring", () => {
  it("says how times are written, with an example", async () => {
    for (const from of ["22", "4:00", "24:00", "25:00"])
      expect(
        await raised(
          db.client,
          `SELECT ruvector_healing_configure('{"maintenance_windows": [{"from": "${from}"}]}')`,
        ),
        from,
      ).toMatchObject({
        code: "RV001",
        detail: expect.stringMatching(/^Got ".*"; wanted what fits \/\^/),
        hint: expect.stringContaining('"from": "22:00", "to": "04:00"'),
      });
  });

  it.each([
    ["{}", /\{\}/, /Europe\/Vienna/],
    ['"22:00-04:00"', /22:00/, /"from"/],
    ['[{"day": ["sat"]}]', /"day"/, /Did you mean "days"/],
    ['[{"days": ["saturday"]}]', /saturday.*mon, tue/, /days/],
    ['[{"days": []}]', /\[\]/, /days/],
    ['[{"from": "25:00"}]', /25:00/, /from/],
    ['[{"from": "9:00"}]', /9:00/, /from/],
    ['[{"from": "24:00"}]', /24:00/, /from/],
    ['[{"from": "22:00", "to": "22:00"}]', /22:00/, /whole days/],
    ['[{"from": 22}]', /22/, /from/],
    ['[{"time_zone": "Europe/Wien"}]', /pg_timezone_names/, /"Europe\//],
    ['[{"time_zone": "vienna"}]', /pg_timezone_names/, /"Europe\/Vienna"/],
    ['[{"time_zone": "europe/vienna"}]', /pg_timezone_names/, /"Europe\/Vienna"/],
    ['[{"time_zone": "+02:00"}]', /pg_timezone_names/, /pg_timezone_names/],
    ['[{"time_zone": null}]', /null/, /time_zone/],
    [`[${Array(51).fill("{}").join(", ")}]`, /Got/, /for example/i],
  ])("%s", async (windows, detail, hint) => {
    const error = await raised(
      db.client,
      "SELECT ruvector_healing_configure(jsonb_build_object('maintenance_windows', $1::jsonb))",
      [windows],
    );
    expect(error).toMatchObject({ code: "RV001" });
    expect(error.detail).toMatch(detail);
    expect(error.hint).toMatch(hint);
  });
});

/** Whether the open refusal of the newest collection is said aloud once it is a day old. */
async function escalatedWhenOld(): Promise<boolean> {
  await db.client.query(
    `UPDATE ruvector.healing_refusals SET first_at = first_at - interval '1 day'
      WHERE closed_at IS NULL`,
  );
  await ticks(db, 1);
  return db.value(
    `SELECT escalated_at IS NOT NULL FROM ruvector.healing_refusals WHERE closed_at IS NULL
      ORDER BY collection_id DESC LIMIT 1`,
  );
}

describe("the loop", () => {
  it("does nothing while no window is open, says when the next one opens, then acts", async () => {
    await configure(db, IN_ONE_GO);
    await makeTable(db, { rows: HOT });
    const [hours] = await db.rows<{ closed: string; open: string }>(`
      SELECT to_char(now() AT TIME ZONE 'UTC' + interval '2 hours', 'HH24:00') AS closed,
        to_char(now() AT TIME ZONE 'UTC' + interval '3 hours', 'HH24:00') AS open`);
    await configure(db, { maintenance_windows: [{ from: hours!.closed, to: hours!.open }] });
    await ticks(db, 2);
    expect(await db.value("SELECT count(*)::int FROM ruvector.healing_actions")).toBe(0);
    const [refusal] = await db.rows<{ reason: string; flips_at: string; message: string }>(
      "SELECT reason, flips_at, message FROM ruvector.healing_refusals WHERE closed_at IS NULL",
    );
    expect(refusal?.reason).toBe("maintenance_window");
    expect(refusal?.flips_at).toMatch(new RegExp(`T${hours!.closed}:00Z$`));
    // It ends by itself, however long that takes.
    expect(await escalatedWhenOld()).toBe(false);
    const status = await db.value<{ open: boolean; opens_at: string }>(
      "SELECT ruvector_healing_status() #> '{collections,public.embeddings,maintenance_window}'",
    );
    expect(status).toMatchObject({ open: false, opens_at: refusal!.flips_at });
    expect(await db.value("SELECT ruvector_healing_trigger('embeddings')")).toMatchObject({
      outcome: "deferred",
      reason: "maintenance_window",
    });

    await configure(db, { maintenance_windows: [{ from: hours!.closed, to: hours!.open }, {}] });
    await ticks(db, 3);
    expect(await db.value("SELECT state FROM ruvector.healing_actions")).toBe("succeeded");
  });

  it("stands still, readable, where a time zone went away", async () => {
    await db.client.query(
      'UPDATE ruvector.healing_config SET settings = settings || \'{"maintenance_windows": ' +
        '[{"time_zone": "Mars/Olympus"}]}\'',
    );
    expect(
      await db.value(
        "SELECT ruvector_healing_status() #> '{collections,public.embeddings,maintenance_window}'",
      ),
    ).toMatchObject({ open: false, problem: expect.stringContaining("Mars/Olympus") });
    await makeTable(db, { table: "second", rows: HOT });
    expect(await db.value("SELECT ruvector_healing_trigger('second')")).toMatchObject({
      outcome: "deferred",
      reason: "maintenance_window",
      message: expect.stringContaining("Mars/Olympus"),
      hint: expect.stringContaining("ruvector_healing_configure"),
    });
    expect(await escalatedWhenOld()).toBe(true);
    // A human's own order does not wait for a window.
    expect(
      await db.value("SELECT ruvector_healing_execute('second', 'rebalance_partitions')"),
    ).toMatchObject({ outcome: "stabilizing" });
  });
});
