/** What ruvector_healing_metrics() prints, against what the tables say. */
import { beforeAll, describe, expect, it } from "vitest";
import { version } from "../../build/project.ts";
import { FAMILIES } from "../../build/monitoring/families.ts";
import { configure, HOT, IN_ONE_GO, LEVEL, makeTable, ticks } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { type ExpositionFamily, readExposition, valueOf } from "../support/exposition.ts";

let db: TestDatabase;

const scrape = async (openmetrics = false): Promise<ExpositionFamily[]> =>
  readExposition(await db.value<string>("SELECT ruvector_healing_metrics($1)", [openmetrics]));

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, IN_ONE_GO);
});

describe("before anything is registered", () => {
  it("there are the loop's own metrics", async () => {
    const found = await scrape();
    expect(valueOf(found, "ruvector_healing_registered_collections")).toBe(0);
    expect(valueOf(found, "ruvector_healing_ticks_total")).toBe(0);
    expect(valueOf(found, "ruvector_healing_tick_lag_seconds")).toBeUndefined();
    expect(valueOf(found, "ruvector_healing_in_recovery")).toBe(0);
    expect(
      found.find(({ name }) => name === "ruvector_healing_build_info")?.samples[0]?.labels,
    ).toMatchObject({ version, language: db.engine.language });
  });
});

describe("a healed collection", () => {
  const collection = "public.embeddings";
  const strategy = "rebalance_partitions";

  it("begins with counters at 0 and a state that is not known", async () => {
    await makeTable(db, { rows: HOT });
    const found = await scrape();
    expect(valueOf(found, "ruvector_healing_attempts_total", { collection, strategy })).toBe(0);
    expect(
      valueOf(found, "ruvector_healing_actions_total", { collection, state: "rollback_failed" }),
    ).toBe(0);
    expect(valueOf(found, "ruvector_integrity_state", { collection })).toBeNaN();
    expect(valueOf(found, "ruvector_integrity_lambda", { collection })).toBeUndefined();
    expect(valueOf(found, "ruvector_healing_enabled", { collection })).toBe(1);
  });

  it("says what was sensed, done and came of it", async () => {
    await ticks(db, 1);
    const during = await scrape();
    expect(valueOf(during, "ruvector_healing_active", { collection })).toBe(1);
    expect(valueOf(during, "ruvector_integrity_lambda", { collection })).toBeCloseTo(0.32, 1);
    expect(valueOf(during, "ruvector_integrity_state", { collection })).toBe(1);
    const [under] = during.find(
      ({ name }) => name === "ruvector_healing_action_age_seconds",
    )!.samples;
    expect(under?.labels).toEqual({ collection, strategy, state: "planned", action_id: "1" });
    await ticks(db, 3);
    const after = await scrape();
    const [row] = await db.rows<{
      seconds: number;
      recovery: number;
      rows: number;
      improvement: number;
    }>(
      `
      SELECT extract(epoch
        FROM a.finished_at - a.started_at)::float8 AS seconds, (a.progress ->> 'rows')::int AS rows,
             o.recovery_seconds::float8 AS recovery, o.improvement_pct::float8 AS improvement
        FROM ruvector.healing_actions a JOIN ruvector.healing_outcomes o ON o.action_id = a.id
          WHERE a.collection = $1`,
      [collection],
    );
    const values = {
      ruvector_healing_attempts_total: 1,
      ruvector_healing_success_total: 1,
      ruvector_healing_rows_moved_total: row!.rows,
      ruvector_healing_duration_seconds_count: 1,
      ruvector_healing_predicted_lambda: 1,
      ruvector_healing_final_lambda: 1,
    };
    for (const [name, value] of Object.entries(values))
      expect(valueOf(after, name, { collection, strategy }), name).toBe(value);
    expect(row!.rows).toBeGreaterThan(0);
    expect(
      valueOf(after, "ruvector_healing_duration_seconds_sum", { collection, strategy }),
    ).toBeCloseTo(row!.seconds, 5);
    expect(
      valueOf(after, "ruvector_healing_duration_seconds", {
        collection,
        strategy,
        quantile: "0.99",
      }),
    ).toBeCloseTo(row!.seconds, 2);
    expect(
      valueOf(after, "ruvector_healing_actions_total", { collection, state: "succeeded" }),
    ).toBe(1);
    expect(valueOf(after, "ruvector_healing_success_rate", { collection })).toBe(1);
    expect(valueOf(after, "ruvector_healing_avg_improvement", { collection })).toBeCloseTo(
      row!.improvement,
      5,
    );
    expect(valueOf(after, "ruvector_healing_time_to_recovery_seconds", { collection })).toBeCloseTo(
      row!.recovery,
      4,
    );
    expect(valueOf(after, "ruvector_healing_recovery_seconds_sum", { collection })).toBeCloseTo(
      row!.recovery,
      4,
    );
    expect(valueOf(after, "ruvector_healing_active", { collection })).toBe(0);
    expect(valueOf(after, "ruvector_healing_ticks_total")).toBe(4);
    expect(valueOf(after, "ruvector_healing_tick_errors_total")).toBe(0);
  });

  it("counts the undo as an end, and neither its duration nor its recovery again", async () => {
    await db.client.query("SELECT ruvector_healing_rollback('embeddings')");
    const found = await scrape();
    expect(
      valueOf(found, "ruvector_healing_actions_total", { collection, state: "rolled_back" }),
    ).toBe(1);
    expect(
      valueOf(found, "ruvector_healing_actions_total", { collection, state: "succeeded" }),
    ).toBe(1);
    expect(
      valueOf(found, "ruvector_healing_duration_seconds_count", { collection, strategy }),
    ).toBe(1);
    expect(valueOf(found, "ruvector_healing_recovery_seconds_count", { collection })).toBe(1);
    expect(valueOf(found, "ruvector_healing_attempts_total", { collection, strategy })).toBe(1);
  });

  it("has the cooldown while it lasts", async () => {
    expect(valueOf(await scrape(), "ruvector_healing_cooldown", { collection })).toBe(0);
    await db.client.query(
      "SELECT ruvector_healing_configure('{\"min_healing_interval_seconds\": 3600}', 'embeddings')",
    );
    expect(valueOf(await scrape(), "ruvector_healing_cooldown", { collection })).toBe(1);
  });

  it("counts refusals by reason, and says for how long one has stood", async () => {
    await ticks(db, 3);
    const found = await scrape();
    const [row] = await db.rows<{ count: number; age: number }>(
      `SELECT count::int, extract(epoch FROM clock_timestamp() - first_at)::float8 AS age
        FROM ruvector.healing_refusals WHERE reason = 'cooldown' AND collection = $1`,
      [collection],
    );
    expect(row?.count).toBeGreaterThanOrEqual(3);
    expect(
      valueOf(found, "ruvector_healing_refusals_total", { collection, reason: "cooldown" }),
    ).toBe(row!.count);
    expect(
      valueOf(found, "ruvector_healing_refusal_age_seconds", { collection, reason: "cooldown" }),
    ).toBeCloseTo(row!.age, -1);
  });

  it("is switched off for itself and with all", async () => {
    await db.client.query(
      "SELECT ruvector_healing_configure('{\"enabled\": false}', 'embeddings')",
    );
    expect(valueOf(await scrape(), "ruvector_healing_enabled", { collection })).toBe(0);
    await db.client.query("SELECT ruvector_healing_configure('{\"enabled\": true}', 'embeddings')");
    expect(valueOf(await scrape(), "ruvector_healing_enabled", { collection })).toBe(1);
    await configure(db, { enabled: false });
    expect(valueOf(await scrape(), "ruvector_healing_enabled", { collection })).toBe(0);
    await configure(db, { enabled: true });
    await db.client.query(
      "SELECT ruvector_healing_configure('{\"mode\": \"observe\"}', 'embeddings')",
    );
    const observing = await scrape();
    expect(valueOf(observing, "ruvector_healing_mode_info", { collection, mode: "observe" })).toBe(
      1,
    );
    expect(valueOf(observing, "ruvector_healing_enabled", { collection })).toBe(1);
    await db.client.query("SELECT ruvector_healing_configure('{\"mode\": \"off\"}', 'embeddings')");
    expect(valueOf(await scrape(), "ruvector_healing_enabled", { collection })).toBe(0);
    await db.client.query(
      "SELECT ruvector_healing_configure('{\"mode\": \"auto\"}', 'embeddings')",
    );
  });

  it("keeps its counters when history is removed", async () => {
    const before = await scrape();
    await db.client.query("BEGIN");
    try {
      await db.client.query(`
        DELETE FROM ruvector.healing_outcomes; DELETE FROM ruvector.healing_events;
          DELETE FROM ruvector.healing_refusals;
        DELETE FROM ruvector.healing_actions; DELETE FROM ruvector.integrity_samples;`);
      const after = await scrape();
      const rising = before.filter(({ type, samples }) => type === "counter" && samples.length > 0);
      expect(rising.length).toBeGreaterThan(6);
      for (const { name, samples } of rising)
        for (const sample of samples)
          expect(valueOf(after, sample.name, sample.labels), name).toBe(sample.value);
    } finally {
      await db.client.query("ROLLBACK");
    }
  });
});

describe("summaries", () => {
  it("have the lines of each strategy together, whoever they come from", async () => {
    await db.client.query("BEGIN");
    try {
      await db.client.query(`
        INSERT INTO ruvector.healing_outcomes
        SELECT (jsonb_populate_record(o, jsonb_build_object('id', o.id + 1000 + n,
          'action_id', NULL, 'strategy_name', 'other_' || n))).*
          FROM ruvector.healing_outcomes o CROSS JOIN generate_series(1, 3) n;
        INSERT INTO ruvector.healing_counters
        SELECT (jsonb_populate_record(c, jsonb_build_object('label', 'other_' || n))).*
          FROM ruvector.healing_counters c CROSS JOIN generate_series(1, 3) n
         WHERE c.metric LIKE 'ruvector_healing_duration_seconds%'`);
      // Read strictly: lines that stand apart are an error.
      const samples = (await scrape(true)).find(
        ({ name }) => name === "ruvector_healing_duration_seconds",
      )!.samples;
      // Three quantiles, sum and count.
      expect(samples.map(({ labels }) => labels["strategy"])).toEqual(
        ["other_1", "other_2", "other_3", "rebalance_partitions"].flatMap((one) =>
          Array.from({ length: 5 }, () => one),
        ),
      );
    } finally {
      await db.client.query("ROLLBACK");
    }
  });
});

describe("approval", () => {
  it("shows what waits for a human and for how long", async () => {
    await makeTable(db, { table: "waiting", rows: HOT });
    await db.client.query(
      'SELECT ruvector_healing_configure(\'{"require_approval": ["hotspot_congestion"]}\', ' +
        "'waiting')",
    );
    await ticks(db, 1);
    await db.client.query(
      `UPDATE ruvector.healing_actions SET created_at = created_at - interval '1 hour'
        WHERE collection = 'public.waiting'`,
    );
    const found = await scrape();
    const waiting = found
      .find(({ name }) => name === "ruvector_healing_approval_age_seconds")
      ?.samples.filter(({ labels }) => labels["collection"] === "public.waiting");
    const [row] = await db.rows<{ id: string; strategy_name: string }>(
      `SELECT id::text, strategy_name FROM ruvector.healing_actions
        WHERE collection = 'public.waiting' AND state = 'awaiting_approval'`,
    );
    expect(row).toBeDefined();
    expect(waiting).toMatchObject([
      {
        labels: { collection: "public.waiting", strategy: row!.strategy_name, action_id: row!.id },
      },
    ]);
    expect(waiting![0]!.value).toBeGreaterThanOrEqual(3600);
    expect(waiting![0]!.value).toBeLessThan(3700);
    expect(valueOf(found, "ruvector_healing_active", { collection: "public.waiting" })).toBe(1);
  });
});

describe("what should wake somebody", () => {
  const changed = async (statement: string): Promise<ExpositionFamily[]> => {
    await db.client.query("BEGIN");
    try {
      await db.client.query(statement);
      return await scrape();
    } finally {
      await db.client.query("ROLLBACK");
    }
  };

  it("an audit trail that was changed, cut off at its end, or has no signature", async () => {
    expect(valueOf(await scrape(), "ruvector_healing_audit_intact")).toBe(1);
    expect(
      valueOf(
        await changed(
          "UPDATE ruvector.healing_events SET message = 'forged' WHERE seq = (SELECT " +
            "max(seq) - 3 FROM ruvector.healing_events)",
        ),
        "ruvector_healing_audit_intact",
      ),
    ).toBe(0);
    expect(
      valueOf(
        await changed(
          "DELETE FROM ruvector.healing_events WHERE seq = (SELECT max(seq) FROM " +
            "ruvector.healing_events)",
        ),
        "ruvector_healing_audit_intact",
      ),
    ).toBe(0);
    const unsigned = await changed(
      "DELETE FROM ruvector.healing_audit_signatures; UPDATE ruvector.healing_events SET at " +
        "= at - interval '1 hour' WHERE seq = 1",
    );
    expect(valueOf(unsigned, "ruvector_healing_audit_unsigned_seconds")).toBeGreaterThanOrEqual(
      3600,
    );
    expect(valueOf(await scrape(), "ruvector_healing_events_total")).toBe(
      await db.value("SELECT count(*)::int FROM ruvector.healing_events"),
    );
  });

  it("an open breaker", async () => {
    expect(valueOf(await scrape(), "ruvector_healing_breaker_state")).toBe(0);
    expect(valueOf(await scrape(), "ruvector_healing_breaker_open_seconds")).toBeUndefined();
    const open = await changed(
      "UPDATE ruvector.healing_breaker SET state = 'open', opened_at = clock_timestamp() - " +
        "interval '1 minute'",
    );
    expect(valueOf(open, "ruvector_healing_breaker_state")).toBe(2);
    expect(valueOf(open, "ruvector_healing_breaker_open_seconds")).toBeGreaterThanOrEqual(60);
  });

  it("a refusal that was escalated, and an undo that failed", async () => {
    const found = await changed(
      "UPDATE ruvector.healing_refusals SET closed_at = NULL, escalated_at = " +
        "clock_timestamp() WHERE id = (SELECT max(id) FROM ruvector.healing_refusals WHERE " +
        "reason = 'cooldown' AND collection = 'public.embeddings')",
    );
    expect(
      valueOf(found, "ruvector_healing_refusal_escalated", {
        collection: "public.embeddings",
        reason: "cooldown",
      }),
    ).toBe(1);
    const failed = await changed(
      "UPDATE ruvector.healing_actions SET state = 'rollback_failed' WHERE collection = " +
        "'public.embeddings' AND finished_at IS NOT NULL",
    );
    expect(
      valueOf(failed, "ruvector_healing_rollback_failed", { collection: "public.embeddings" }),
    ).toBe(1);
    expect(
      valueOf(failed, "ruvector_healing_actions_total", {
        collection: "public.embeddings",
        state: "rollback_failed",
      }),
    ).toBe(1);
  });

  it("ticks that fail", async () => {
    const found = await changed(
      "UPDATE ruvector.healing_ticks SET errors = 7, started_at = clock_timestamp() - " +
        "interval '5 minutes', finished_at = clock_timestamp() - interval '4 minutes'",
    );
    expect(valueOf(found, "ruvector_healing_tick_errors_total")).toBe(7);
    expect(valueOf(found, "ruvector_healing_tick_lag_seconds")).toBeGreaterThanOrEqual(300);
    expect(valueOf(found, "ruvector_healing_tick_duration_seconds")).toBeCloseTo(60, 0);
  });
});

describe("hostile names", () => {
  it("are escaped, and come back whole", async () => {
    const table = 'back\\slash "quote"\nnew } line{a="b"} 1';
    await makeTable(db, { table: `"${table.replaceAll('"', '""')}"`, rows: LEVEL });
    await ticks(db, 1);
    const collection = await db.value<string>(
      `SELECT format('%I.%I', schema_name, table_name) FROM ruvector.collections
        ORDER BY collection_id DESC LIMIT 1`,
    );
    expect(collection).toContain("\n");
    expect(valueOf(await scrape(), "ruvector_integrity_lambda", { collection })).toBe(1);
  });
});

describe("the list of metrics", () => {
  it("is what is printed: names, types, help and labels", async () => {
    for (const family of await scrape()) {
      const known = FAMILIES.find(({ name }) => name === family.name);
      expect(known, family.name).toMatchObject({ type: family.type, help: family.help });
      for (const { name, labels } of family.samples) {
        const expected =
          family.type === "summary" && name !== family.name
            ? known!.labels.filter((label) => label !== "quantile")
            : known!.labels;
        expect(Object.keys(labels), name).toEqual(expected);
      }
    }
  });

  it("is read by family as well, each from its sources alone", async () => {
    const samples = await db.rows<{ family: string; suffix: string; labels: string[] }>(
      "SELECT family, suffix, labels FROM ruvector_healing_metric_samples()",
    );
    for (const { name } of FAMILIES) {
      const own = await db.rows<{ suffix: string; labels: string[] }>(
        "SELECT family, suffix, labels FROM ruvector_healing_metric_samples($1)",
        [name],
      );
      const key = ({ suffix, labels }: { suffix: string; labels: string[] }): string =>
        [suffix, ...labels].join("\u0001");
      expect(own.map(key).sort(), name).toEqual(
        samples
          .filter(({ family }) => family === name)
          .map(key)
          .sort(),
      );
    }
  });

  it("is OpenMetrics when asked for", async () => {
    const text = await db.value<string>("SELECT ruvector_healing_metrics(openmetrics := true)");
    expect(text).toMatch(/\n# EOF\n$/);
    expect(text).toContain(
      "# TYPE ruvector_healing_attempts counter\nruvector_healing_attempts_total{",
    );
    expect(text).not.toMatch(/# TYPE \S+_total /);
    expect(await db.value<string>("SELECT ruvector_healing_metrics(NULL)")).toMatch(
      /# TYPE ruvector_healing_attempts_total counter/,
    );
  });
});

describe("an unregistered collection", () => {
  it("has no series any more, and begins at 0 when it comes back", async () => {
    const collection = "public.embeddings";
    await db.client.query("SELECT ruvector_healing_unregister('embeddings')");
    expect(
      (await scrape())
        .flatMap(({ samples }) => samples)
        .filter(({ labels }) => labels["collection"] === collection),
    ).toEqual([]);
    await db.client.query("SELECT ruvector_healing_register('embeddings', '{\"movable\": true}')");
    expect(
      valueOf(await scrape(), "ruvector_healing_attempts_total", {
        collection,
        strategy: "rebalance_partitions",
      }),
    ).toBe(0);
  });
});
