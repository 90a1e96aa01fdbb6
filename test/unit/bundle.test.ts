/** What the bundle may not hold, and that it is the same each time it is made. */
import { describe, expect, it } from "vitest";
import { makeBundle, QUOTE, refuseUncarried } from "../../build/bundle.ts";

describe("refuseUncarried", () => {
  it.each([
    [QUOTE, "dollar quote"],
    ["$function$", "dollar quote"],
    ["\u00e9", "encoding"],
    ["\u2028", "encoding"],
    ["\0", "encoding"],
  ])("refuses %j, naming it, why, and the place", (token, why) => {
    const place = "var here = 1;";
    expect(() => refuseUncarried(`${place} "${token}";\n`)).toThrow(why);
    expect(() => refuseUncarried(`${place} "${token}";\n`)).toThrow(JSON.stringify(token));
    expect(() => refuseUncarried(`${place} "${token}";\n`)).toThrow(place);
  });

  it.each(["var a = $, b = {};", "`${a}`", "$ruvector$", "@extschema@", "\\quit\n", "a\tb\n"])(
    "lets %j pass",
    (source) => {
      expect(() => refuseUncarried(source)).not.toThrow();
    },
  );
});

describe("makeBundle", () => {
  const ENTRY = "src/audit/ed25519.ts";

  it("gives the same source and hash each time, which passes its own check", async () => {
    const [one, two] = [await makeBundle(ENTRY), await makeBundle(ENTRY)];
    expect(two).toEqual(one);
    expect(one.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(() => refuseUncarried(one.source)).not.toThrow();
    expect(one.source.endsWith("return bundle;\n")).toBe(true);
  });

  it("is a function body that returns call()", async () => {
    const { source } = await makeBundle(ENTRY);
    const bundle = (new Function("engine", source) as (engine: object) => { call: unknown })({});
    expect(bundle.call).toBeTypeOf("function");
  });
});
