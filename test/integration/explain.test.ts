/**
 * ruvector_healing_explain(): what a person reads of an action, and of a collection on which
 * nothing happens.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, HOT, IN_ONE_GO, LEVEL, makeTable, ticks } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";
import { pattern } from "../support/pattern.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...IN_ONE_GO, rejection_seconds: 0 });
});

const explain = (what: string | number): Promise<string> =>
  db.value<string>("SELECT ruvector_healing_explain($1)", [what]);
const newest = (): Promise<number> =>
  db.value<number>("SELECT max(id)::int FROM ruvector.healing_actions");

/** Without its line breaks. */
const flat = (text: string): string => text.replace(/\s+/g, " ");

/** The lines of one section. */
function section(text: string, title: string): string {
  const found = text.split("\n\n").find((part) => part.startsWith(title));
  expect(found, `no section "${title}" in:\n${text}`).toBeDefined();
  return found ?? "";
}

describe("an action that healed", () => {
  let text: string;

  beforeAll(async () => {
    await makeTable(db, { rows: HOT });
    await ticks(db, 4);
    text = await explain(await newest());
  });

  it("says first what came out and who began it", () => {
    expect(text.split("\n").slice(0, 2)).toEqual([
      `Action 1 on public.embeddings: rebalance_partitions for hotspot_congestion, succeeded.`,
      "It worked: lambda 0.32 -> 1, verified.",
    ]);
    expect(text).toMatch(
      /^Planned by the loop itself \(role \w+\) at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/m,
    );
    expect(text).toContain("It needed no approval.");
  });

  it("says what was sensed, which rule fired and how far the others were", () => {
    expect(section(text, "What was sensed")).toMatch(
      pattern(
        /embeddings_p3 holds 4\.8 times the mean rows[^]*\n  - /,
        /partition_link embeddings_p3 - embeddings_p0: 32 % of its capacity is left/,
      ),
    );
    const rules = section(text, "Which rule named the problem");
    expect(rules).toContain(
      "-> partition_links 7, wanted more than 3: met, so it is hotspot_congestion",
    );
    expect(flat(rules)).toContain("not met: centroid_skew (centroid_nodes 0, wanted more than 5)");
  });

  it("says which strategies were weighed and why the others were not taken", () => {
    const weighed = flat(section(text, "Which strategies were weighed"));
    expect(weighed).toContain("-> rebalance_partitions, weight 1, impact 0.3: taken");
    expect(weighed).toContain(
      "- throttle_ingestion, weight 1, impact 0.4: not taken, same weight as " +
        "rebalance_partitions, but impact 0.4 is above its 0.3",
    );
    expect(weighed).toContain(
      "- drain_hot_partition, weight 1, impact 0.6: not taken, impact 0.6 is above " +
        "max_auto_heal_impact 0.5",
    );
    expect(weighed).toContain(
      "for other problems: compact_indexes, evict_cold_data, pause_maintenance, rebuild_centroids",
    );
  });

  it(
    "says what it did with times, in order, what was foreseen and what came out, and how to " +
      "undo it",
    () => {
      const did = section(text, "What it did (UTC)").split("\n").slice(1);
      expect(did.every((line) => /^  (\d\d:\d\d:\d\d  |    )/.test(line))).toBe(true);
      expect(did.map((line) => line.slice(12))).toEqual([
        "planned",
        "started",
        "sent new rows away from the hot partitions",
        ...[0, 1, 2, 4, 5, 6, 7].map((place) =>
          expect.stringMatching(`^moved 12[67] rows from embeddings_p3 to embeddings_p${place}$`),
        ),
        "target reached: lambda 1; now it waits to see whether that holds",
        "verified: lambda 0.32 -> 1",
      ]);
      expect(section(text, "What was planned")).toMatch(/88\d rows .* lambda foreseen: 1/);
      expect(section(text, "What came out")).toContain("lambda 0.32 -> 1, as foreseen. Verified.");
      expect(section(text, "How to undo it")).toContain(
        "\n  SELECT ruvector_healing_rollback('public.embeddings', 1);",
      );
    },
  );

  it("fits a terminal of 100 columns, statements excepted", () => {
    for (const line of text.split("\n"))
      if (!line.includes("SELECT")) expect(line.length).toBeLessThanOrEqual(100);
  });

  it("has a note that was written in lines on one", async () => {
    const judged = "SELECT ruvector_healing_feedback(1, 1, $1)";
    expect(await db.value(judged, ["searches are fast\r\n  again\n"])).toMatchObject({
      note: "searches are fast again",
      message: "judged 1: searches are fast again",
    });
    await db.client.query("SELECT ruvector_healing_feedback(1, NULL)");
  });

  it("says, once it was undone by hand, that it had been verified", async () => {
    await db.client.query("SELECT ruvector_healing_rollback('embeddings')");
    const undone = await explain(1);
    expect(undone).toContain("It was undone: rollback asked for.");
    expect(section(undone, "What came out")).toContain("It had been verified: lambda 0.32 -> 1.");
    expect(section(undone, "What came out")).toContain("lambda when it had ended: 0.32.");
    expect(section(undone, "What it did")).toMatch(
      /moved 127 rows from embeddings_p3 to embeddings_p0; undone since/,
    );
    expect(section(undone, "How to undo it")).toContain("There is nothing left to undo.");
  });
});

describe("why nothing happens on a collection", () => {
  it(
    "names every guard that stands in the way, with what would change it and how often it " +
      "refused",
    async () => {
      await configure(db, { min_healing_interval_seconds: 300, max_attempts_per_hour: 1 });
      await ticks(db, 3);
      const text = await explain("embeddings");
      expect(flat(text)).toMatch(/Nothing happens because of cooldown: cooling down until \d{4}-/);
      const way = flat(section(text, "What stands in the way now"));
      expect(way).toMatch(
        pattern(
          /1\. cooldown: .* would change with: \S+Z \((?:in 4 min \d+ s|in 5 min)\) /,
          /refused 3 times since/,
        ),
      );
      expect(way).toMatch(
        pattern(
          /2\. attempts: 1 attempt in the last hour, max_attempts_per_hour is 1 /,
          /.*would change with: \S+Z/,
        ),
      );
      expect(way).toMatch(/Behind that: rebalance_partitions, lambda foreseen 1/);
      expect(section(text, "What you can type")).toContain(
        "SELECT ruvector_healing_execute('public.embeddings', 'rebalance_partitions');",
      );
      expect(section(text, "What happened before")).toContain(
        "rebalance_partitions for hotspot_congestion, rolled_back",
      );
    },
  );

  it("names no human where its limits had left it nothing to do", async () => {
    await configure(db, { require_approval: ["hotspot_congestion"] });
    await makeTable(db, { table: "limited", rows: HOT });
    await ticks(db, 3);
    const id = await newest();
    await configure(db, { require_approval: [], max_rows_per_hour: 0 });
    await db.value("SELECT ruvector_healing_approve($1)", [id]);
    await ticks(db, 2);
    const said = flat(await explain(id)).slice(0, 600);
    expect(said).toContain(
      "aborted. It was stopped before it had changed anything: stopped at its",
    );
    expect(said).toContain("max_rows_per_hour leaves 0");
    expect(said).not.toContain("A human stopped it");
    await db.value("SELECT ruvector_healing_unregister('limited')");
    await configure(db, { max_rows_per_hour: null });
  });

  it("changes nothing by being asked", async () => {
    const kept = () =>
      db.value<string>(
        `SELECT format('%s %s %s', (SELECT count(*)
          FROM ruvector.integrity_samples), (SELECT sum(count)
          FROM ruvector.healing_refusals), (SELECT count(*) FROM ruvector.healing_events))`,
      );
    const before = await kept();
    await explain("embeddings");
    expect(await kept()).toBe(before);
  });

  it("says that it is healthy, that it was never sampled, or that the table is gone", async () => {
    await makeTable(db, { table: "level", rows: LEVEL });
    expect(await explain("level")).toContain(
      "public.level is unknown: not sampled yet: the next tick does.",
    );
    await ticks(db, 1);
    expect(await explain("level")).toContain("Nothing happens because there is nothing to heal.");
    await db.client.query("DROP TABLE level");
    await ticks(db, 1);
    const text = await explain("level");
    expect(text).toContain("public.level: table public.level does not exist any more.");
    expect(text).toContain("SELECT ruvector_healing_unregister('public.level');");
    await db.client.query("SELECT ruvector_healing_unregister('level')");
  });

  it("says that one bad sample is not a state yet", async () => {
    await configure(db, { stress_samples: 3, critical_samples: 3 });
    await makeTable(db, { table: "young", rows: HOT });
    await ticks(db, 1);
    expect(flat(await explain("young"))).toContain(
      "1 of the 3 samples in a row that make stress are there.",
    );
  });

  it("says that it is switched off, and what to type", async () => {
    await configure(db, { stress_samples: 1, critical_samples: 1, enabled: false });
    await ticks(db, 1);
    const text = await explain("young");
    expect(text).toContain(
      "Nothing happens because of disabled: healing of public.young is switched off.",
    );
    expect(section(text, "What you can type")).toContain(
      `SELECT ruvector_healing_configure('{"enabled": true}', 'public.young');`,
    );
  });

  it("says that the loop does not run", async () => {
    await db.client.query(
      `UPDATE ruvector.healing_ticks SET started_at = started_at - interval '1 hour',
        interval_seconds = 5`,
    );
    const text = await explain("young");
    expect(text).toMatch(
      /^THE LOOP DOES NOT RUN: its last tick was at 20\d\d-\d\d-\d\dT[\d:]+Z\. Nothing is sensed/m,
    );
    expect(section(text, "What you can type")).toContain("CALL ruvector_healing_tick();");
  });

  it("says of the loop what status says, and that it has never run in capitals too", async () => {
    const loop = async () =>
      (
        await db.rows<{ status: unknown; own: { sentence: string } }>(
          `SELECT ruvector_healing_status() -> 'loop' AS status,
                  (SELECT to_jsonb(l) FROM ruvector.healing_loop() l) AS own`,
        )
      )[0]!;
    const { status, own } = await loop();
    expect(status).toEqual({
      condition: "stopped",
      stands_still: true,
      title: "The loop is not running",
      sentence: own.sentence,
      statement: expect.stringMatching(/^CALL ruvector_healing_tick\(\);/),
    });
    await db.client.query("UPDATE ruvector.healing_ticks SET started_at = NULL");
    expect((await loop()).status).toMatchObject({ condition: "never_ran", stands_still: true });
    expect(await explain("young")).toMatch(/^THE LOOP HAS NEVER RUN HERE\.$/m);
  });
});

describe("an action that waits for approval", () => {
  it("says so, how to approve it, and afterwards who did", async () => {
    await configure(db, {
      enabled: true,
      require_approval_strategies: ["rebalance_partitions"],
      max_attempts_per_hour: 1000,
      min_healing_interval_seconds: 0,
    });
    await makeTable(db, { table: "asks", rows: HOT });
    await ticks(db, 2);
    const id = await db.value<number>(
      "SELECT max(id)::int FROM ruvector.healing_actions WHERE collection = 'public.asks'",
    );
    const waits = await explain(id);
    expect(waits).toContain("It waits for a human");
    expect(waits).toContain("Nobody has approved it.");
    expect(section(waits, "How to stop it")).toContain(`SELECT ruvector_healing_approve(${id});`);
    expect(await explain("asks")).toContain(
      `Something is happening: action ${id} (rebalance_partitions) is awaiting_approval`,
    );
    await db.client.query("SELECT ruvector_healing_approve($1)", [id]);
    await ticks(db, 3);
    const done = await explain(id);
    const role = await db.value<string>("SELECT session_user::text");
    expect(flat(done)).toMatch(new RegExp(`Approved by ${role} at \\d\\d:\\d\\d:\\d\\d\\.`));
    expect(section(done, "What it did")).toMatch(
      new RegExp(`planned, and waits for approval\n  \\S+  approved by ${role}\n  \\S+  started`),
    );
  });
});

describe("what was typed", () => {
  it("is an action where it is a number, also from a driver without types", async () => {
    expect(await explain("1")).toContain("Action 1 on public.embeddings");
    expect(await db.value<string>("SELECT ruvector_healing_explain(1)")).toContain(
      "Action 1 on public.embeddings",
    );
  });

  it("is a collection of that name where there is one", async () => {
    await makeTable(db, { table: '"77"', rows: [10, 10] });
    expect(await explain("77")).toContain('public."77" is unknown: not sampled yet');
  });

  it("may be hostile: nothing of a name reaches the screen as a command", async () => {
    const table = '"evil\u001b[31m\' \u202e$$ x"';
    await makeTable(db, { table, rows: HOT });
    await ticks(db, 2);
    const text = await explain(table);
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(text).toContain("evil?[31m");
  });

  it("is refused with what is known", async () => {
    expect(await raised(db.client, "SELECT ruvector_healing_explain('nope')")).toMatchObject({
      code: "RV002",
      hint: expect.stringContaining("ruvector_healing_verdict()"),
    });
    expect(await raised(db.client, "SELECT ruvector_healing_explain('12345')")).toMatchObject({
      code: "RV006",
    });
  });
});

it("says what to type with the name that a table has now", async () => {
  await makeTable(db, { table: "before_it", rows: HOT });
  await db.client.query("SELECT ruvector_healing_execute('before_it', 'rebalance_partitions')");
  const action = await newest();
  await db.client.query("ALTER TABLE before_it RENAME TO after_it");
  await ticks(db, 2);
  const [, statement] = /(SELECT ruvector_healing_rollback\(.*\);)/.exec(await explain(action))!;
  expect(statement).toBe(`SELECT ruvector_healing_rollback('public.after_it', ${action});`);
  const { hint } = await raised(db.client, `SELECT ruvector_healing_rollback(${action})`);
  expect(hint).toBe(statement);
  expect(await db.value(statement!)).toMatchObject({ state: "rolled_back" });
});
