/** Parts of the embedded plv8 that need no database. */
import { describe, expect, it } from "vitest";
import { packSqlState, unpackSqlState } from "../../plv8/error-report.ts";
import { describe as describeError } from "../../plv8/errors.ts";
import { PGLITE_VERSION } from "../../plv8/layout.ts";
import { createRealm } from "../../plv8/realm.ts";
import { HANDLERS, sideModule } from "../../plv8/side-module.ts";
import { symbolsOf, UnsupportedPGlite } from "../../plv8/symbols.ts";
import manifest from "../../package.json" with { type: "json" };

/** Node.js has it; the types for it come with a browser's, which this project does not take. */
interface Assembly {
  Module: {
    new (bytes: Uint8Array): object;
    customSections(module: object, name: string): unknown[];
  };
  Instance: new (module: object, imports: object) => { exports: Record<string, unknown> };
}
const { WebAssembly } = globalThis as unknown as { WebAssembly: Assembly };

describe("the side module", () => {
  it("is WebAssembly that re-exports three handlers and their pg_finfo functions", async () => {
    const bytes = sideModule();
    expect(bytes.length).toBeLessThan(500);
    const imports = Object.fromEntries(
      HANDLERS.map((handler, place) => [
        `javascript_plv8_${handler}`,
        (call: number) => call + place,
      ]),
    );
    const module = new WebAssembly.Module(bytes);
    const { exports } = new WebAssembly.Instance(module, {
      env: { Pg_magic_func: () => 7, pg_finfo_plpgsql_call_handler: () => 8, ...imports },
    });
    const called = Object.entries(exports).map(([name, value]) => [
      name,
      (value as (call: number) => number)(100),
    ]);
    expect(Object.fromEntries(called)).toEqual({
      Pg_magic_func: 7,
      pg_finfo_plv8_call_handler: 8,
      plv8_call_handler: 100,
      pg_finfo_plv8_inline_handler: 8,
      plv8_inline_handler: 101,
      pg_finfo_plv8_validator: 8,
      plv8_validator: 102,
    });
    expect(WebAssembly.Module.customSections(module, "dylink.0")).toHaveLength(1);
  });
});

describe("the pinned version", () => {
  it("is the one that package.json pins", () => {
    expect(manifest.dependencies["@electric-sql/pglite"]).toBe(PGLITE_VERSION);
  });
  it("a PGlite that lacks a symbol is refused, with the symbol and the version to install", () => {
    const lacking = {
      HEAPU8: new Uint8Array(),
      stackSave: () => 0,
      stackRestore: () => undefined,
      _palloc: () => 0,
    };
    expect(() => symbolsOf(lacking)).toThrow(UnsupportedPGlite);
    expect(() => symbolsOf(lacking)).toThrow(
      new RegExp(`SPI_execute.*@electric-sql/pglite@${PGLITE_VERSION}`, "s"),
    );
  });
});

describe("SQLSTATEs", () => {
  it.each([
    ["XX000", 2600],
    ["23505", 83906754],
    ["57014", 67371461],
  ])("%s is %i", (state, packed) => {
    expect(packSqlState(state)).toBe(packed);
    expect(unpackSqlState(packed)).toBe(state);
  });
});

describe("what a thrown value says", () => {
  const realm = createRealm();
  const thrown = (body: string): unknown => {
    try {
      realm.compile("f()", body, [])();
    } catch (error) {
      return error;
    }
    throw new Error("nothing was thrown");
  };
  it.each([
    [
      "throw new Error('m')",
      { message: "m", sqlState: "XX000", context: "f() LINE 1: throw new Error('m')" },
    ],
    [
      "\n\nnull.x",
      {
        message: "TypeError: Cannot read properties of null (reading 'x')",
        context: "f() LINE 3: null.x",
      },
    ],
    ["throw null", { message: "null", context: null }],
    ["throw ''", { message: "" }],
    ["throw Object.assign(new Error('m'), { code: 83906754 })", { sqlState: "23505" }],
    ["throw Object.assign(new Error('m'), { code: '23505' })", { sqlState: "XX000" }],
    ["throw Object.assign(new Error('m'), { code: 1.5 })", { sqlState: "XX000" }],
    ["throw Object.assign(new Error('m'), { detail: 5, hint: '' })", { detail: "5", hint: null }],
    ["throw { get detail() { throw 1 }, toString: () => 'odd' }", { message: "odd", detail: null }],
    ["throw new Proxy({}, { get() { throw 1 } })", { message: "unknown exception" }],
  ])("%s", (body, expected) => {
    expect(describeError(thrown(body), realm)).toMatchObject(expected);
  });
});

describe("the functions' realm", () => {
  it("has the language and nothing of Node.js", () => {
    const realm = createRealm();
    const names = [
      "process",
      "require",
      "module",
      "setTimeout",
      "queueMicrotask",
      "TextEncoder",
      "crypto",
      "fetch",
      "Buffer",
    ];
    expect(
      realm.compile(
        "f()",
        `return [${names.map((name) => `typeof ${name}`).join()}].filter((type) => type !== ` +
          "'undefined')",
        [],
      )(),
    ).toEqual([]);
    expect(realm.compile("f()", "return [1, 2].map((x) => x * 2) instanceof Array", [])()).toBe(
      true,
    );
  });
  it("takes function bodies and identifiers only", () => {
    const realm = createRealm();
    for (const body of ["}); ({", "}", "return 1 })(", "retrn 1 x"])
      expect(() => realm.compile("f()", body, []), body).toThrow();
    for (const name of ["a b", "a = 1", "...a", "{a}", "a, b", "class", ""])
      expect(() => realm.compile("f()", "", [name])).toThrow();
    expect(realm.compile("f()", "return $1 + é // the end", ["$1", "é"])(1, 2)).toBe(3);
  });
});
