/** plv8's behaviour on the embedded database: the cases of support/cases. */
import { describe, expect, it } from "vitest";
import type { EmbeddedError } from "../../index.ts";
import { type Case, CASES, inLanguage } from "../support/cases/index.ts";
import { testEmbedded } from "../support/database.ts";

const db = testEmbedded();

async function outcome({
  setup,
  call,
}: Case): Promise<{ gives: unknown } | { raises: EmbeddedError }> {
  await db.database.exec("BEGIN");
  try {
    if (setup) await db.database.exec(inLanguage(setup, "plv8"));
    return { gives: await db.value(inLanguage(call, "plv8")) };
  } catch (error) {
    return { raises: error as EmbeddedError };
  } finally {
    await db.database.exec("ROLLBACK");
  }
}

for (const [group, cases] of Object.entries(CASES)) {
  describe(group.toLowerCase(), () => {
    it.each(cases.map((each) => [each.about, each] as const))("%s", async (_, each) => {
      db.notices();
      const found = await outcome(each);
      expect(db.notices().map(({ severity, message }) => `${severity}: ${message}`)).toEqual(
        each.warns === undefined ? [] : [`WARNING: ${each.warns}`],
      );
      if (!each.raises) {
        expect(found).toEqual({ gives: each.gives });
        return;
      }
      const { code, ...texts } = each.raises;
      expect(found).toHaveProperty("raises");
      const { raises } = found as { raises: EmbeddedError };
      expect(raises.code, raises.message).toBe(code);
      for (const [field, part] of Object.entries(texts))
        expect(raises[field as "message"]).toContain(part);
    });
  });
}
