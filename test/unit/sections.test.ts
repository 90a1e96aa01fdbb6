/** The bundle of the loop: a core, and sections that are parsed when they are used. */
import { beforeAll, describe, expect, it } from "vitest";
import { makeBundles } from "../../build/bundle.ts";
import { sectioned, SECTIONS } from "../../build/sections.ts";

type Called = Record<string, (...given: unknown[]) => unknown>;

const FIXTURES = "test/unit/support/sections";

/** As ruvector.healing_javascript does it; also what was parsed: the modules' paths. */
function loaded(source: string, engine: object = {}) {
  const parsed: string[] = [];
  const spying = function (...given: string[]) {
    parsed.push(/sourceURL=(.*)/.exec(given.at(-1)!)![1]!);
    return new Function(...given);
  };
  const [core] = source.split(SECTIONS);
  const exports = new Function("engine", "source", "Function", core!)(
    engine,
    source,
    spying,
  ) as Called;
  return { exports, parsed, core: core! };
}

describe("sections", () => {
  let source: string;
  beforeAll(async () => {
    source = await sectioned(`${FIXTURES}/entry.ts`);
  });

  it("are parsed when something of them is first used, once, and only those", () => {
    const { exports, parsed } = loaded(source);
    // The class that another extends is needed at once.
    expect(parsed).toEqual([`${FIXTURES}/entry.ts`, `${FIXTURES}/used.ts`]);
    expect(exports["valid"]!({ a: 1 })).toBe(true);
    expect(exports["valid"]!({ a: "1" })).toBe(false);
    expect(parsed.slice(2)).toEqual(["zod/mini"]);
    expect(exports["again"]!(4)).toBe(8);
    expect(parsed.slice(3)).toEqual([`${FIXTURES}/again.ts`]);
    expect(() => exports["unused"]!()).toThrow("parsed and run");
  });

  it("mean what the modules mean", () => {
    const { exports } = loaded(source);
    expect(exports["ends"]).toBe("*/true");
    expect(exports["derived"]!()).toBe("derived0");
    expect(exports["spread"]!()).toEqual({ a: 1, twice: 4 });
    expect(exports["shadowed"]!(3)).toBe(6);
    expect(exports["template"]!()).toBe("SELECT $1 1");
  });

  it("are read from the database by a session's older loader, which runs the whole text", () => {
    const statements: string[] = [];
    const engine = {
      execute: (statement: string) => {
        statements.push(statement);
        return [{ answer: `\n${source}` }];
      },
    };
    const exports = new Function("engine", source)(engine) as Called;
    expect(exports["shadowed"]!(3)).toBe(6);
    expect(statements).toHaveLength(1);
    expect(statements[0]).toContain("ruvector.healing_bundle()");
  });

  it.each([
    ["nothing", "is imported for its side effects"],
    ["whole", "is imported and used as a whole"],
    ["empty", "exports nothing"],
  ])("of %s.ts cannot be made: %s", async (name, why) => {
    await expect(sectioned(`${FIXTURES}/${name}.ts`)).rejects.toThrow(why);
  });
});

describe("the bundle of the loop", () => {
  it("has a core of less than 40 kB, and answers with a part of the rest", async () => {
    const [{ loop }, again] = [await makeBundles(), await makeBundles()];
    expect(again.loop).toEqual(loop);
    const engine = { execute: () => [{ answer: '{"rows":[]}' }] };
    const { exports, parsed, core } = loaded(loop.source, engine);
    expect(core.length).toBeLessThan(40_000);
    const given = { collection_id: 1, transaction: "t" };
    expect(exports["call"]!("graph", JSON.stringify(given))).toContain("RV002");
    expect(parsed).toContain("src/collection/lookup.ts");
    expect(parsed.filter((path) => /zod|^src\/(strategies|graph|sense)\//.test(path))).toEqual([]);
    expect(parsed.length).toBeLessThan(25);
  });
});
