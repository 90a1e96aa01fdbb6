/**
 * What the loop decides and says, as text: test/decisions holds the scripts
 * (docs/testing.md says how to read, write and renew them).
 */
import { readdirSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../build/project.ts";
import { again, keep, type Kept } from "../decisions/run/again.ts";
import { run } from "../decisions/run/commands.ts";
import { classes, documented, refusals, selections, states } from "../decisions/run/coverage.ts";
import { withoutCron } from "../decisions/run/cron.ts";
import { Happened } from "../decisions/run/happened.ts";
import { parse, written } from "../decisions/run/script.ts";
import { configure, IN_ONE_GO } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

/** Some hundred rows show what thousands do; rows a second are the machine's. */
const SMALL = { ...IN_ONE_GO, min_rows_for_load: 100, sense_traffic: false };
const FOLDER = join(root, "test/decisions");
const scripts = readdirSync(FOLDER).filter((file) => file.endsWith(".txt"));
const renews = process.env["RUVECTOR_HEALING_DECISIONS"] === "write";

let db: TestDatabase;
let kept: Kept;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, SMALL);
  kept = await keep(db);
});

describe("a decision is as it is written down", () => {
  afterEach(async () => {
    await withoutCron(db);
    await again(db, kept);
  });

  it.each(scripts)("%s", async (file) => {
    const path = join(FOLDER, file);
    const text = await readFile(path, "utf8");
    const script = parse(text);
    const world = { db, happened: await Happened.from(db), considered: [] };
    const outputs: string[][] = [];
    for (const { commands } of script.blocks) outputs.push(await run(world, commands));
    const now = written(script, outputs);
    if (renews) await writeFile(path, now);
    else expect(now, "RUVECTOR_HEALING_DECISIONS=write writes it anew").toBe(text);
  });
});

describe("the scripts come to everything that is documented", () => {
  const read = (path: string) => readFileSync(path, "utf8");
  const page = (name: string) => read(join(root, "docs", name));
  let text: string;
  beforeAll(() => {
    text = scripts.map((file) => read(join(FOLDER, file))).join("\n");
  });
  /** @param not why no script comes to it */
  const same = (
    found: ReadonlySet<string>,
    wanted: readonly string[],
    not: Record<string, string> = {},
  ) => expect([...found].sort()).toEqual(wanted.filter((code) => !Object.hasOwn(not, code)).sort());

  it("every reason of a refusal", () =>
    same(
      refusals(text),
      [
        ...documented(page("limits.md"), "The guards, in their order"),
        ...documented(page("limits.md"), "Reasons that are no guard's"),
      ],
      {
        standby_server: "no embedded database is one: test/server/replication.test.ts",
      },
    ));

  it("every reason for which a strategy is taken or passed over", () =>
    same(selections(text), documented(page("learning.md"), "Taken, or passed over"), {
      later_name: "no two strategies of a class have the same impact: test/unit/select.test.ts",
    }));

  it("every class of problems", async () => {
    const { message } = await raised(
      db.client,
      `SELECT ruvector_healing_configure('{"require_approval": ["?"]}')`,
    );
    same(classes(text), /names out of: (.*)$/.exec(message)![1]!.split(", "));
  });

  it("every state of an action", async () => {
    const check = await db.value<string>(
      `SELECT pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid = 'ruvector.healing_actions'::regclass AND conname ~ '_state_check$'`,
    );
    same(
      states(text),
      [...check.matchAll(/'(\w+)'/g)].map(([, state]) => state!),
    );
  });
});
