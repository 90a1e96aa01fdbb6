/** From each released version to this one by ALTER EXTENSION, with an action that is running. */
import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { type Language, root, version } from "../../build/project.ts";
import { frozen, scriptsOf } from "../releases/scripts.ts";
import { members, objects } from "../support/catalogue.ts";
import { checksum, configure, HOT, makeTable, QUICK, ticks } from "./support/collection.ts";
import { testDatabase } from "./support/database.ts";
import { CANNOT_PLACE, canPlace, ExtensionFiles } from "./support/extension.ts";

const language = inject("language") as Language;

describe.each(frozen())("the extension, from %s", (older) => {
  it("goes on with its action to its end, and is as a new one", async ({ skip }) => {
    const [db, fresh] = [await testDatabase(), await testDatabase()];
    skip(!(await canPlace(db.client)), CANNOT_PLACE);
    const files = await ExtensionFiles.make(db.client, `upgrade_test_${process.pid}`);
    try {
      for (const { client } of [db, fresh])
        await client.query(`${files.setting}; SET client_min_messages = warning;
          SELECT ruvector_healing_uninstall()`);
      await files.putControl(language, older);
      const { extension } = await scriptsOf(older, language);
      await files.put(`ruvector_healing--${older}.sql`, extension);
      await db.client.query("CREATE EXTENSION ruvector_healing");
      await configure(db, { ...QUICK, batch_rows: 50, slice_seconds: 0.05 });
      await makeTable(db, { rows: HOT });
      const { action_id } = await db.value<{ action_id: string }>(
        "SELECT ruvector_healing_execute('embeddings', 'rebalance_partitions')",
      );
      const state = "SELECT state FROM ruvector.healing_actions WHERE id = $1";
      const moved = "SELECT coalesce(sum(rows), 0)::int FROM ruvector.healing_steps";
      for (let turn = 0; turn < 20 && (await db.value<number>(moved)) === 0; turn++)
        await ticks(db, 1);
      expect(await db.value(state, [action_id])).toBe("executing");
      const rows = await checksum(db);

      await files.putControl(language, version);
      await files.putFiles(
        [`ruvector_healing--${version}.sql`, `ruvector_healing--${older}--${version}.sql`].map(
          (name) => join(root, "extension", language, name),
        ),
      );
      await db.client.query("ALTER EXTENSION ruvector_healing UPDATE");
      expect(await db.value("SELECT ruvector_healing_version()")).toBe(version);
      expect(
        await db.value("SELECT extversion FROM pg_extension WHERE extname = 'ruvector_healing'"),
      ).toBe(version);
      await fresh.client.query("CREATE EXTENSION ruvector_healing");
      expect(await objects(db)).toEqual(await objects(fresh));
      expect(await members(db)).toEqual(await members(fresh));

      await configure(db, { slice_seconds: 60, batch_rows: 1000 });
      for (let turn = 0; turn < 40; turn++) {
        await ticks(db, 1);
        if ((await db.value(state, [action_id])) === "succeeded") break;
      }
      expect(await db.value(state, [action_id])).toBe("succeeded");
      expect(await checksum(db)).toEqual(rows);
    } finally {
      await files.remove();
    }
  });
});
