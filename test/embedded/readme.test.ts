/** The ten minutes in psql of README.md: its statements, and the figures that it shows for them. */
import { readFile } from "node:fs/promises";
import { beforeAll, expect, it } from "vitest";
import { configure, IN_ONE_GO, ticks } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
let readme: string;

/** Statements of the SQL block, as psql takes them. */
async function run(block: string): Promise<void> {
  for (const statement of block.match(/[^;\\]+(?:;|\\gexec)/g) ?? []) {
    // The embedded database has no pg_cron: the test ticks.
    if (statement.includes("ruvector_healing_schedule")) continue;
    if (!statement.endsWith("\\gexec")) await db.client.query(statement);
    else
      for (const row of await db.rows<Record<string, string>>(statement.replace("\\gexec", "")))
        await db.client.query(Object.values(row)[0]!);
  }
}

/** What the README shows below a statement: columns of one row, as psql prints them. */
const shown = (statement: string): string[] =>
  readme
    .split(`app=> ${statement}`)[1]!
    .split("\n")[1]!
    .split("|")
    .map((cell) => cell.trim());

beforeAll(async () => {
  db = await testDatabase();
  readme = await readFile("README.md", "utf8");
  await configure(db, IN_ONE_GO);
});

it("begins by watching, and says what it would do", async () => {
  await run(/```sql\n(CREATE TABLE docs[^`]+)```/.exec(readme)![1]!);
  await ticks(db, 2);
  const verdict = "SELECT verdict, sentence FROM ruvector_healing_verdict();";
  const [row] = await db.rows<{ verdict: string; sentence: string }>(verdict);
  const timeless = (text: string): string => text.replace(/\d{4}-\S+Z/, "<time>");
  expect([row!.verdict, timeless(row!.sentence)]).toEqual(shown(verdict).map(timeless));
  const forecasts =
    "SELECT strategy, initial_lambda, predicted_lambda FROM ruvector_healing_forecasts();";
  const [forecast] = await db.rows<Record<string, unknown>>(forecasts);
  expect(Object.values(forecast!).map(String)).toEqual(shown(forecasts));
  expect(await db.value("SELECT count(*)::int FROM docs_3")).toBe(13_000);
});

it("then heals what it foresaw", async () => {
  await run(
    /SELECT ruvector_healing_configure\('\{"mode": "auto"\}', 'docs'\)[^;]*;/.exec(readme)![0],
  );
  const history = /SELECT action_id, [^;]+ FROM ruvector_healing_history\(\);/.exec(readme)![0];
  let row: Record<string, unknown> = {};
  await expect
    .poll(async () => {
      await ticks(db, 1);
      row = (await db.rows<Record<string, unknown>>(history))[0] ?? {};
      // Why not, where it does not.
      const said = await db.value<string>("SELECT message FROM ruvector.healing_actions");
      return row["state"] === "succeeded" ? "succeeded" : `${String(row["state"])}: ${said}`;
    })
    .toBe("succeeded");
  const timeless = (cells: readonly string[]): readonly string[] => cells.slice(0, -1);
  expect(timeless(Object.values(row).map(String))).toEqual(timeless(shown(history)));
  expect(await db.value("SELECT count(*)::int FROM docs_3")).toBe(3562);
  expect(readme).toContain("| 13,000 of 20,000 | 3,562 of 20,000 |");
});
