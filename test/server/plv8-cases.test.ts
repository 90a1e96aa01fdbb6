/**
 * The cases of the embedded plv8 (test/embedded/support/cases.ts) on the server's PLJS. Where both are meant to agree they must; a listed
 * difference must still be one, so that the table in docs/embedded.md stays true. Runs where the server's language is PLJS.
 */
import type pg from "pg";
import { describe, expect, it } from "vitest";
import { type Case, CASES, inLanguage } from "../embedded/support/cases.ts";
import { testDatabase } from "./support/database.ts";

const db = await testDatabase();
const isPljs = await db.value<boolean>("SELECT EXISTS (SELECT FROM pg_language WHERE lanname = 'pljs')");

interface Found {
  readonly gives?: unknown;
  readonly raises?: string;
}

/** Each on a connection of its own: PLJS keeps a function's code, and its errors, for the life of a session. */
async function outcome({ setup, call }: Case): Promise<Found> {
  const client = await db.connect();
  try {
    await client.query("SET timezone = 'UTC'; BEGIN");
    if (setup) await client.query(inLanguage(setup, "pljs"));
    const { rows } = await client.query<unknown[]>({ text: inLanguage(call, "pljs"), rowMode: "array" });
    return { gives: rows[0]?.[0] };
  } catch (error) {
    const { message, detail } = error as pg.DatabaseError;
    return { raises: [message, detail].join("\n") };
  } finally {
    await client.end();
  }
}

function agrees({ gives, raises }: Case, found: Found): boolean {
  return raises ? found.raises?.includes(raises.message ?? "") === true : "gives" in found && found.gives === gives;
}

for (const [group, cases] of Object.entries(CASES)) {
  describe.runIf(isPljs)(`PLJS: ${group.toLowerCase()}`, () => {
    const tried = cases.filter(({ pljs }) => pljs === "same" || "differs" in pljs);
    it.each(tried.map((each) => [each.about, each.pljs === "same" ? "agrees" : "differs", each] as const))("%s: %s", async (_, expected, each) => {
      const found = await outcome(each);
      expect({ ...found, is: agrees(each, found) ? "agrees" : "differs" }).toMatchObject({ is: expected });
    });
  });
}
