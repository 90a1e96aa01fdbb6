/** What each key of `watch` does, and what is drawn then: pure, no terminal. */
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import { describe, expect, it } from "vitest";
import type { CollectionSeen, Overview } from "../../src/commands/status-data/documents.ts";
import { frame } from "../../src/commands/terminal/watch-frame.ts";
import {
  FIRST_VIEW,
  type Key,
  listed,
  press,
  type View,
} from "../../src/commands/terminal/watch-view.ts";

const seen = (name: string, more: Partial<CollectionSeen> = {}): CollectionSeen => ({
  name,
  verdict: "healthy",
  sentence: "lambda is 1",
  state: "normal",
  lambda: 1,
  since: 0,
  sampled_at: 1000,
  enabled: true,
  mode: "auto",
  cooldown_until: null,
  refusals: [],
  unmeasured: 0,
  witness: null,
  trend: [1, 0.5, null],
  ...more,
});

const overview: Overview = {
  now: 1000,
  database: "app",
  standby: false,
  enabled: true,
  loop: {
    condition: "running",
    stands_still: false,
    title: "running",
    sentence: "The loop runs.",
    statement: null,
  },
  tick: { at: 0, age: 1, interval: 5, error: null, error_at: null, failed: false },
  breaker: null,
  healings: { day: 0, success_rate: null, last: null },
  collections: [
    seen("public.worst", { verdict: "critical", sentence: "lambda 0.1 is below 0.3", lambda: 0.1 }),
    ...Array.from({ length: 40 }, (_, place) => seen(`public.well_${place}`)),
  ],
  active: [],
  recommendations: [],
  leases: [],
  outcomes: [
    {
      id: 7,
      collection: "public.a_table_whose_name_is_longer_than_any_column_of_a_terminal",
      state: "rolled_back",
      problem: "hotspot_congestion",
      strategy: "drain_hot_partition",
      by: "loop",
      created_at: 0,
      finished_at: 500,
      rows: 9,
      lambda_before: 0.28,
      lambda_foreseen: 1,
      lambda_after: 0.31,
      verified: false,
      message: null,
    },
  ],
  strategies: [],
  missing: [],
};

const keys = (...typed: readonly (string | Key)[]): View =>
  typed.reduce<View>(
    (view, key) =>
      press(view, typeof key === "string" ? { name: key, sequence: key } : key, overview).view,
    FIRST_VIEW,
  );
const drawn = (view: View, columns = 80, rows = 24, explained = "Because of it."): string[] =>
  stripVTControlCharacters(
    frame(
      {
        overview,
        received: 0,
        trouble: null,
        view,
        explained: { name: view.detail?.name ?? "", text: explained },
      },
      columns,
      rows,
      0,
    ),
  ).split("\n");

describe("keys", () => {
  it("move the mark, which stays in sight, and never leaves the list", () => {
    expect(drawn(keys())[4]).toMatch(/^› ■ public\.worst/);
    expect(drawn(keys("down")).join("\n")).toContain("› ✓ public.well_0 ");
    expect(drawn(keys("j", "j", "k")).join("\n")).toContain("› ✓ public.well_0 ");
    expect(drawn(keys("up", "up")).join("\n")).toContain("› ■ public.worst");
    expect(drawn(keys("end", "down")).join("\n")).toContain("› ✓ public.well_39");
    expect(drawn(keys("pagedown", "home")).join("\n")).toContain("› ■ public.worst");
  });

  it("filter by what is typed; quit is no command there", () => {
    const view = keys("/", "w", "e", "l", "l", "_", "3", "q");
    expect([view.filter, view.typing]).toEqual(["well_3q", true]);
    const done = press(
      press(view, { name: "backspace" }, overview).view,
      { name: "return" },
      overview,
    );
    expect(listed(overview, done.view)).toHaveLength(11);
    expect(drawn(done.view).join("\n")).toContain("11 of 41 are looked for");
    expect(press(done.view, { name: "escape" }, overview).view.filter).toBe("");
    expect(
      keys("/", { sequence: "\u001b[31m" }, { name: "x", sequence: "\u0000", ctrl: true }).filter,
    ).toBe("");
    expect(listed(overview, keys("a")).map(({ name }) => name)).toEqual(["public.worst"]);
  });

  it("open a detail, scroll it, and go back", () => {
    const opened = press(keys("down"), { name: "return" }, overview);
    expect(opened.effect).toBe("explain");
    const lines = drawn(opened.view).join("\n");
    expect(lines).toMatch(/✓ public\.well_0  lambda 1  healthy/);
    expect(lines).toContain("Because of it.");
    const long = Array.from({ length: 100 }, (_, line) => `line ${line}`).join("\n");
    const last = press(opened.view, { name: "end" }, overview).view;
    expect(drawn(last, 80, 24, long).join("\n")).toContain("line 99");
    expect(drawn(opened.view, 80, 24, long).join("\n")).not.toContain("line 99");
    expect(press(last, { name: "escape" }, overview).view.detail).toBeNull();
    expect(press(FIRST_VIEW, { name: "return" }, null).view.detail).toBeNull();
  });

  it("pause, look, help, end", () => {
    expect(drawn(keys("p"))[0]).toContain("paused");
    expect(press(keys("p"), { name: "space" }, overview)).toMatchObject({
      view: { paused: false },
      effect: "look",
    });
    expect(drawn(keys("?")).join("\n")).toContain("choose a collection");
    expect(press(keys(), { name: "q" }, overview).effect).toBe("quit");
    for (const view of [keys(), keys("/"), keys("return")])
      expect(press(view, { name: "c", ctrl: true }, overview).effect).toBe("quit");
  });
});

it("fits 80 columns without a word cut, and every other terminal with its lines cut", () => {
  for (const view of [keys(), keys("?"), keys("down", "return"), keys("/", "x"), keys("a", "p")])
    for (const [columns, rows] of [
      [80, 24],
      [20, 8],
      [200, 50],
    ] as const) {
      const lines = drawn(view, columns, rows);
      expect(lines.length).toBeLessThan(rows);
      for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
    }
  const outcome = drawn(keys()).find((line) => line.includes("drain_hot_partition"))!;
  expect(outcome).toMatch(/0\.28 -> 0\.31 +did not help, undone$/);
  expect(drawn(keys()).at(-1)).toMatch(/q quit {2}\?/);
});
