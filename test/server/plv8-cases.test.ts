/**
 * The cases of plv8-pglite (src/plv8-pglite/test/support/cases/) on the server's JavaScript. A
 * real plv8 must agree with it in each that does not end it. Where PLJS is meant to agree it must;
 * a listed difference must still be one, so that the table in its README.md stays true.
 */
import type pg from "pg";
import { describe, expect, inject, it } from "vitest";
import { type Case, CASES, inLanguage } from "../../src/plv8-pglite/test/support/cases/index.ts";
import { testDatabase } from "./support/database.ts";

const db = await testDatabase();
const language = inject("language") as "plv8" | "pljs";

interface Found {
  readonly gives?: unknown;
  readonly raises?: pg.DatabaseError;
  readonly notices: readonly string[];
}

/**
 * Each on a connection of its own: PLJS keeps a function's code, and its errors, for the life of a
 * session.
 */
async function outcome({ setup, call }: Case): Promise<Found> {
  const client = await db.connect();
  const notices: string[] = [];
  client.on("notice", ({ severity, message }) => notices.push(`${severity}: ${message}`));
  try {
    await client.query("SET timezone = 'UTC'; BEGIN");
    if (setup) await client.query(inLanguage(setup, language));
    const { rows } = await client.query<unknown[]>({
      text: inLanguage(call, language),
      rowMode: "array",
    });
    return { gives: rows[0]?.[0], notices };
  } catch (error) {
    return { raises: error as pg.DatabaseError, notices };
  } finally {
    await client.end();
  }
}

function pljsAgrees({ gives, raises }: Case, found: Found): boolean {
  const { message, detail } = found.raises ?? {};
  return raises
    ? [message, detail].join("\n").includes(raises.message ?? "") && found.raises !== undefined
    : "gives" in found && found.gives === gives;
}

function expectSame({ gives, raises, warns }: Case, found: Found): void {
  expect(found.notices).toEqual(warns === undefined ? [] : [`WARNING: ${warns}`]);
  if (!raises) {
    expect(found).toMatchObject({ gives: gives === undefined ? null : gives });
    return;
  }
  const { code, ...texts } = raises;
  expect(found.raises?.code, found.raises?.message).toBe(code);
  for (const [field, part] of Object.entries(texts))
    expect(found.raises?.[field as "message"]).toContain(part);
}

for (const [group, cases] of Object.entries(CASES)) {
  describe.runIf(language === "pljs")(`PLJS: ${group.toLowerCase()}`, () => {
    const tried = cases.filter(({ pljs }) => pljs === "same" || "differs" in pljs);
    it.each(
      tried.map((each) => [each.about, each.pljs === "same" ? "agrees" : "differs", each] as const),
    )("%s: %s", async (_, expected, each) => {
      const found = await outcome(each);
      expect({ ...found, is: pljsAgrees(each, found) ? "agrees" : "differs" }).toMatchObject({
        is: expected,
      });
    });
  });
  describe.runIf(language === "plv8")(`plv8: ${group.toLowerCase()}`, () => {
    it.each(
      cases.filter(({ plv8 }) => plv8 === undefined).map((each) => [each.about, each] as const),
    )("%s", async (_, each) => expectSame(each, await outcome(each)));
  });
}
