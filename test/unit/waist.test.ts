import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import sql from "sql-template-tag";
import { describe, expect, it } from "vitest";
import { literal } from "../../src/base/literal.ts";
import { compile } from "../../src/host/postgres.ts";

describe("the waist between JavaScript and SQL", () => {
  it("numbers parameters as elements of one text array", () => {
    const part = sql`a = ${"x"}`;
    expect(compile(sql`SELECT ${1}::int WHERE ${part} AND b = ${null} AND c = ${true}`)).toEqual({
      text: "SELECT ($1)[1]::int WHERE a = ($1)[2] AND b = ($1)[3] AND c = ($1)[4]",
      parameters: '["1","x",null,"true"]',
    });
  });

  it("has no plain literal with a backslash in SQL: it means what a session says", () => {
    const found: string[] = [];
    for (const file of readdirSync("sql", { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".sql")) continue;
      const lines = readFileSync(`sql/${file}`, "utf8").split("\n");
      for (const line of lines)
        if (
          !/^\s*--/.test(line) &&
          /(?<![E\w'])'(?:[^'\\])*\\[^']*'/.test(line.replace(/E'(?:[^'\\]|\\.|'')*'/g, ""))
        )
          found.push(`${file}: ${line.trim()}`);
    }
    expect(found).toEqual([]);
  });

  // What PL/pgSQL passes on by itself points into memory that is gone when plv8 reads it.
  it("raises a cancel anew where JavaScript called", () => {
    for (const file of ["engine/run.sql", "trust/as_owner.sql"]) {
      const text = readFileSync(`sql/${file}`, "utf8");
      const blocks = [...text.matchAll(/^EXCEPTION\b[\s\S]*?WHEN OTHERS OR assert_failure THEN/gm)];
      expect(blocks.length, file).toBeGreaterThan(0);
      for (const [block] of blocks)
        expect(block.replace(/\s+/g, " "), file).toContain(
          "WHEN query_canceled THEN " +
            "RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = left(SQLERRM, 2000);",
        );
    }
  });

  it("refuses what it would have to guess", () => {
    for (const value of [undefined, Number.NaN, Number.POSITIVE_INFINITY, {}, [], new Date()]) {
      expect(() => compile(sql`SELECT ${value}`)).toThrow(TypeError);
    }
  });

  it("writes literals that read back as they were and never end early", () => {
    // The inverse of an E'' literal: doubled quotes and backslashes.
    const read = (text: string) => text.replace(/''|\\\\/g, (pair) => pair[0]!);
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("'", "\\", "$", "a", "\n", "E", "ü") }),
        (text) => {
          const written = literal(text);
          expect(written.startsWith("E'") && written.endsWith("'")).toBe(true);
          const inner = written.slice(2, -1);
          expect(inner).toMatch(/^(?:[^'\\]|''|\\\\)*$/);
          expect(read(inner)).toBe(text);
        },
      ),
    );
  });
});
