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
