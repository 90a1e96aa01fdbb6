import { describe, expect, it } from "vitest";
import { makeBundle, refuseRewritten } from "../../build/bundle.ts";

describe("the bundle", () => {
  it.each([
    "a @extschema@ b", "@extschema:vector@", "@extowner@", "MODULE_PATHNAME", "`${x}`", "$ruvector_healing_bundle$", "gr\u00f6\u00dfe", "a\r\nb", "x\n\\connect y",
  ])("refuses %j", (source) => {
    expect(() => refuseRewritten(source)).toThrow(/the bundle holds/);
  });

  it("is the same when made twice, and answers an unknown operation with an error of ours", async () => {
    const [first, second] = [await makeBundle(), await makeBundle()];
    expect(second).toEqual(first);
    const { call } = new Function("engine", first.source)({}) as { call: (operation: string, input: string) => string };
    expect(JSON.parse(call("nope", "{}"))).toMatchObject({ error: { sqlstate: "RV999" } });
  });
});
