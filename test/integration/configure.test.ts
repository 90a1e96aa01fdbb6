/** Changing settings is an event that says what was, what is, and who did it. */
import { beforeAll, describe, expect, it } from "vitest";
import { SETTINGS } from "../../src/configuration/settings.ts";
import { configure, LEVEL, makeTable } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await makeTable(db, { rows: LEVEL });
});

interface Event {
  readonly collection: string | null;
  readonly message: string;
  readonly actor: string;
  readonly details: {
    readonly changes: readonly {
      key: string;
      old: unknown;
      old_source: string;
      new: unknown;
      new_source: string;
    }[];
  };
}

const events = () =>
  db.rows<Event>(
    `SELECT collection, message, actor, details FROM ruvector.healing_events
      WHERE kind = 'configured' ORDER BY id`,
  );
const last = async (): Promise<Event> => (await events()).at(-1)!;

describe("an event", () => {
  it("holds old and new values with where they come from, and who", async () => {
    await configure(db, { max_attempts_per_hour: 7 });
    expect(await last()).toMatchObject({
      collection: null,
      actor: await db.value("SELECT session_user::text"),
      message: "Settings changed for all collections: max_attempts_per_hour 3 -> 7.",
      details: {
        changes: [
          {
            key: "max_attempts_per_hour",
            old: 3,
            old_source: "default",
            new: 7,
            new_source: "global",
          },
        ],
      },
    });
    await db.client.query(
      'SELECT ruvector_healing_configure(\'{"max_attempts_per_hour": 1, "require_approval": ' +
        "[\"centroid_skew\"]}', 'embeddings')",
    );
    const { collection, details } = await last();
    expect(collection).toBe("public.embeddings");
    expect([...details.changes].sort((a, b) => a.key.localeCompare(b.key))).toEqual([
      {
        key: "max_attempts_per_hour",
        old: 7,
        old_source: "global",
        new: 1,
        new_source: "collection",
      },
      {
        key: "require_approval",
        old: [],
        old_source: "default",
        new: ["centroid_skew"],
        new_source: "collection",
      },
    ]);
    // null takes it back to what it inherits.
    await db.client.query(
      "SELECT ruvector_healing_configure('{\"max_attempts_per_hour\": null}', 'embeddings')",
    );
    expect((await last()).details.changes).toEqual([
      {
        key: "max_attempts_per_hour",
        old: 1,
        old_source: "collection",
        new: 7,
        new_source: "global",
      },
    ]);
  });

  it("is not written where nothing changed", async () => {
    const before = (await events()).length;
    await configure(db, { max_attempts_per_hour: 7 });
    await configure(db, {});
    expect(await events()).toHaveLength(before);
  });

  it("is not written where the change was refused", async () => {
    const before = (await events()).length;
    await raised(
      db.client,
      'SELECT ruvector_healing_configure(\'{"max_attempts_per_hour": 9, ' +
        '"critical_threshold": 0.9}\')',
    );
    expect(await events()).toHaveLength(before);
    expect(
      await db.value(
        "SELECT value FROM ruvector_healing_config() WHERE key = 'max_attempts_per_hour'",
      ),
    ).toBe(7);
  });
});

describe("the longest rest of a strategy", () => {
  const refused = (settings: object, collection: string | null) =>
    raised(db.client, "SELECT ruvector_healing_configure($1, $2)", [settings, collection]);
  const [least, most] = ["strategy_retry_seconds", "strategy_retry_max_seconds"] as const;
  const now = async (collection: string | null) =>
    Object.fromEntries(
      (
        await db.rows<{ key: string; value: number }>(
          "SELECT key, value FROM ruvector_healing_config($1) WHERE key IN ($2, $3)",
          [collection, least, most],
        )
      ).map(({ key, value }) => [key, value]),
    );
  const typed = (hint: string) => db.client.query(/SELECT [^;]*;/.exec(hint)![0]);

  it("is not below the first one, for all or for one, and the hint sets both", async () => {
    for (const collection of [null, "embeddings"])
      for (const [settings, both] of [
        [{ [most]: 100 }, 100],
        [{ [least]: 1_000_000 }, 1_000_000],
        [{ [most]: 7, [least]: 8 }, 8],
      ] as const) {
        const error = await refused(settings, collection);
        expect(error).toMatchObject({
          code: "RV001",
          message: expect.stringMatching(`^${most} .* ${least}$`),
        });
        await typed(error.hint!);
        expect(await now(collection)).toEqual({ [least]: both, [most]: both });
        await db.client.query("SELECT ruvector_healing_configure($1, $2)", [
          { [least]: null, [most]: null },
          collection,
        ]);
      }
  });

  it("of all is not below the first one that a collection has, whose name is told", async () => {
    await db.client.query("SELECT ruvector_healing_configure($1, 'embeddings')", [
      { [least]: 5000 },
    ]);
    const both = { [least]: 50, [most]: 50 };
    const error = await refused(both, null);
    expect(error).toMatchObject({
      code: "RV001",
      detail: expect.stringContaining("public.embeddings"),
    });
    await typed(error.hint!);
    await configure(db, both);
    expect(await now("embeddings")).toEqual(both);
    await configure(db, { [least]: null, [most]: null });
  });

  it("that is wrong already holds up no other change", async () => {
    await db.client.query(`UPDATE ruvector.healing_config
      SET settings = settings || '{"strategy_retry_max_seconds": 1}' WHERE collection_id = 0`);
    await configure(db, { max_attempts_per_hour: 8 });
    await configure(db, { [most]: null });
  });
});

it("every setting is documented with its range, and its default is accepted", async () => {
  const rows = await db.rows<{
    key: string;
    default_value: unknown;
    range: string;
    description: string;
  }>("SELECT * FROM ruvector_healing_config()");
  expect(rows.map(({ key }) => key)).toEqual(SETTINGS.map(({ key }) => key));
  for (const { range, description } of rows)
    expect([range.length > 3, description.length > 10]).toEqual([true, true]);
  await configure(
    db,
    Object.fromEntries(rows.map(({ key, default_value }) => [key, default_value])),
  );
});
