/** Installing, as far as it takes a second session: other sessions notice a new bundle. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, inject, it } from "vitest";
import { root } from "../../build/project.ts";
import { raised, type TestDatabase, testDatabase } from "./support/database.ts";

let db: TestDatabase;
let script: string;

beforeAll(async () => {
  db = await testDatabase();
  script = await readFile(join(root, `dist/ruvector_healing.${inject("language")}.sql`), "utf8");
});

it("a new bundle is noticed by sessions that hold an older bundle", async () => {
  const session = await db.connect();
  expect((await raised(session, "SELECT ruvector_healing_explain(99)")).message).toBe("there is no action 99");
  const hash = /SELECT '([0-9a-f]{64})'/.exec(script)![1]!;
  const newer = script.replace("there is no action ", "no such action: ").replaceAll(hash, hash.replace(/./g, "0"));
  expect(newer).not.toBe(script);
  await db.client.query(`BEGIN; ${newer} COMMIT;`);
  expect((await raised(session, "SELECT ruvector_healing_explain(99)")).message).toContain("no such action: ");
  await db.client.query(`BEGIN; ${script} COMMIT;`);
  expect((await raised(session, "SELECT ruvector_healing_explain(99)")).message).toBe("there is no action 99");
});
