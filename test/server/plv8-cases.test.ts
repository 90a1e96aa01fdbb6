/**
 * The cases of the embedded plv8 (test/embedded/support/cases.ts) on the server's own language. plv8 has to do what they say, all of them. Where
 * PLJS is meant to agree it must; a listed difference must still be one, so that the table in docs/embedded.md stays true.
 */
import type pg from "pg";
import { describe, expect, it } from "vitest";
import { type Case, CASES, inLanguage } from "../embedded/support/cases.ts";
import { testDatabase } from "./support/database.ts";

const db = await testDatabase();
const language = db.engine.language as "plv8" | "pljs";

interface Found {
  readonly gives?: unknown;
  readonly raises?: string;
  readonly code?: string;
}

/** Each on a connection of its own: PLJS keeps a function's code, and its errors, for the life of a session. */
async function outcome({ setup, call }: Case): Promise<Found> {
  const client = await db.connect();
  try {
    await client.query("SET timezone = 'UTC'; BEGIN");
    if (setup) await client.query(inLanguage(setup, language));
    const { rows } = await client.query<unknown[]>({ text: inLanguage(call, language), rowMode: "array" });
    return { gives: rows[0]?.[0] };
  } catch (error) {
    const { code, message, detail, hint, where } = error as pg.DatabaseError;
    return { raises: [message, detail, hint, where].join("\n"), ...(code !== undefined && { code }) };
  } finally {
    await client.end();
  }
}

/** Of an error PLJS keeps the text only. */
function agrees({ gives, raises }: Case, found: Found): boolean {
  if (!raises) return "gives" in found && found.gives === gives;
  const { code, ...texts } = raises;
  const wanted = language === "pljs" ? [raises.message ?? ""] : Object.values(texts);
  return (language === "pljs" || found.code === code) && wanted.every((text) => found.raises?.includes(text) === true);
}

const expected = ({ pljs }: Case): "agrees" | "differs" | null =>
  language === "plv8" || pljs === "same" ? "agrees" : "differs" in pljs ? "differs" : null;

for (const [group, cases] of Object.entries(CASES)) {
  describe(`${language}: ${group.toLowerCase()}`, () => {
    const tried = cases.filter((each) => expected(each) !== null);
    it.each(tried.map((each) => [each.about, expected(each), each] as const))("%s: %s", async (_, is, each) => {
      const found = await outcome(each);
      expect({ ...found, is: agrees(each, found) ? "agrees" : "differs" }).toMatchObject({ is });
    });
  });
}
