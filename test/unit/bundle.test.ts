/**
 * What may not stand in the bundle: whoever carries it into a database would rewrite it or stumble
 * over it.
 */
import { describe, expect, it } from "vitest";
import { makeBundle, QUOTE, refuseRewritten } from "../../build/bundle.ts";

describe("refuseRewritten", () => {
  it.each([
    ["@extschema@", "CREATE EXTENSION"],
    ["@extschema:vector@", "CREATE EXTENSION"],
    ["@extowner@", "CREATE EXTENSION"],
    ["MODULE_PATHNAME", "CREATE EXTENSION"],
    ["${", "Flyway"],
    [QUOTE, "dollar quote"],
    ["\u00e9", "encoding"],
    ["\u2028", "encoding"],
    ["\0", "client"],
    ["\r", "client"],
  ])("refuses %j, naming it, who minds, and the place", (token, who) => {
    const place = "var here = 1;";
    expect(() => refuseRewritten(`${place} "${token}";\n`)).toThrow(who);
    expect(() => refuseRewritten(`${place} "${token}";\n`)).toThrow(JSON.stringify(token));
    expect(() => refuseRewritten(`${place} "${token}";\n`)).toThrow(place);
  });

  it("refuses a backslash at the beginning of any line, and only there", () => {
    expect(() => refuseRewritten("\\connect other")).toThrow("psql");
    expect(() => refuseRewritten("var a = 1;\n\\quit\n")).toThrow("psql");
    expect(() => refuseRewritten('var a = "\\n", b = /\\d/;\n')).not.toThrow();
  });

  it.each([
    "var a = $, b = {};",
    "var a = $\\{;",
    "@ext",
    "user@schema.org",
    "module_pathname",
    "$ruvector$",
    "a\tb\n",
  ])("lets %j pass", (source) => {
    expect(() => refuseRewritten(source)).not.toThrow();
  });
});

describe("makeBundle", () => {
  it("gives the same source and hash each time, which passes its own check", async () => {
    const [one, two] = [await makeBundle(), await makeBundle()];
    expect(two).toEqual(one);
    expect(one.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(() => refuseRewritten(one.source)).not.toThrow();
    expect(one.source.endsWith("return bundle;\n")).toBe(true);
  });

  it("is a function body that returns call()", async () => {
    const { source } = await makeBundle();
    const bundle = (new Function("engine", source) as (engine: object) => { call: unknown })({});
    expect(bundle.call).toBeTypeOf("function");
  });
});
