/** Whether anybody searches by an index: what the counters say, and what statements use. */
import { expect, it } from "vitest";
import type { Counters } from "../../src/sense/activity/counters.ts";
import { later } from "../../src/sense/activity/follow.ts";
import { followUse } from "../../src/sense/activity/use.ts";
import { searchesIn } from "../../src/sense/collect/search-texts.ts";

const counters = (scanned: number, scans: number): Readonly<Record<string, Counters>> => ({
  "1": {
    ...{ reads: scanned, scanned, writes: 0, inserts: 0 },
    ...{ blocks: 0, table_blocks: 0, table_hits: 0, vector_scans: { "2": scans } },
  },
});

it("an index is unused from when it is first seen, and what is read meanwhile adds up", () => {
  const first = followUse({}, null, counters(500, 3), 100);
  expect(first).toEqual({ "2": { since: 100, scanned: 0 } });
  const later = followUse(first, counters(500, 3), counters(900, 3), 160);
  expect(later).toEqual({ "2": { since: 100, scanned: 400 } });
  expect(followUse(later, counters(900, 3), counters(950, 3), 170)).toEqual({
    "2": { since: 100, scanned: 450 },
  });
});

it("it begins anew when it is used, with a reset, and when the clock is set back", () => {
  const known = { "2": { since: 100, scanned: 400 } };
  const anew = { "2": { since: 200, scanned: 0 } };
  expect(followUse(known, counters(900, 3), counters(950, 4), 200)).toEqual(anew);
  expect(followUse(known, counters(900, 3), counters(0, 0), 200)).toEqual(anew);
  expect(followUse(known, counters(900, 3), counters(20, 3), 200)).toEqual(anew);
  expect(followUse(known, counters(900, 3), counters(950, 3), 50)["2"]!.scanned).toBe(0);
  // Memories of older versions know no scans.
  const { vector_scans: _, ...old } = counters(900, 3)["1"]!;
  expect(followUse(known, { "1": old }, counters(950, 3), 200)).toEqual(anew);
});

it("searches of our own are nobody's use", () => {
  const begun = later(counters(900, 3), counters(900, 3), counters(1000, 8));
  expect(begun["1"]).toMatchObject({ scanned: 1000, vector_scans: { "2": 8 } });
  expect(followUse({ "2": { since: 1, scanned: 7 } }, begun, counters(1000, 8), 9)).toEqual({
    "2": { since: 1, scanned: 7 },
  });
});

it("texts of statements: which operators, and whether in an order with a limit", () => {
  const docs = (texts: string[]) => searchesIn(texts, ["docs", 'Odd "name']);
  expect(docs(["SELECT id FROM docs ORDER BY e <=> $1 LIMIT $2"])).toEqual({
    operators: ["<=>"],
    ordered: ["<=>"],
  });
  expect(docs(["select * from DOCS where e <-> $1 < 0.5"])).toEqual({
    operators: ["<->"],
    ordered: [],
  });
  expect(
    docs(["SELECT e <#> $1 AS d FROM docs ORDER BY d FETCH FIRST 5 ROWS ONLY"]).ordered,
  ).toEqual(["<#>"]);
  expect(docs(['SELECT * FROM "Odd ""name" ORDER BY e <+> $1 LIMIT 1']).operators).toEqual(["<+>"]);
  expect(docs(["SELECT e<->$1 FROM public.docs, others"]).operators).toEqual(["<->"]);
  // Another table, of whose name this one's is a part.
  expect(
    docs([
      "SELECT id FROM docs_archive ORDER BY e <=> $1 LIMIT $2",
      'SELECT id FROM old_docs, "docs$", docs2 ORDER BY e <=> $1 LIMIT $2',
      'SELECT id FROM "An Odd ""name" ORDER BY e <=> $1 LIMIT $2',
    ]),
  ).toEqual({ operators: [], ordered: [] });
  expect(docs(["SELECT '<->' FROM docs -- <=>", "SELECT a <-> b FROM others"]).operators).toEqual(
    [],
  );
});
