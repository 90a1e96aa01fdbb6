import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ContractedGraph, EDGE_TYPES, NODE_TYPES } from "../../src/model/graph.ts";
import { topologyOf } from "../../src/graph/topology.ts";
import { HealingError } from "../../src/base/errors.ts";
import { parseReport } from "../../src/sense/report.ts";
import { acceptReport } from "../../src/sense/standing-report.ts";
import type { Host } from "../../src/host/host.ts";
import { twoZones } from "./support/graphs.ts";

const NODES = [
  { id: "a", type: "shard" },
  { id: "b", type: "partition", label: "the b", mass: 5 },
];
const EDGE = { from: "a", to: "b", type: "partition_link", capacity: 0.5 };

/** What is said of a report; null: it is taken. */
function refusal(report: unknown): HealingError["document"] | null {
  try {
    parseReport(report);
    return null;
  } catch (error) {
    if (!(error instanceof HealingError)) throw error;
    return error.document;
  }
}

describe("the graph of a report", () => {
  it.each<[string, unknown, string, RegExp]>([
    ["no object", 5, "edges[0] must be a JSON object", /Got 5/],
    ["a list", [], "edges[0] must be a JSON object", /Got \[\]/],
    ["null", null, "edges[0] must be a JSON object", /Got null/],
    ["an unknown key", { ...EDGE, weight: 1 }, 'edges[0] has no key "weight"', /value 1/],
    ["a key of objects", { ...EDGE, valueOf: 1 }, 'edges[0] has no key "valueOf"', /value 1/],
    ["no type", { ...EDGE, type: undefined }, 'edges[0] key "type" has a bad value', /nothing/],
    ["a bad type", { ...EDGE, type: "link" }, 'edges[0] key "type" has a bad value', /"link"/],
    ["too much", { ...EDGE, capacity: 2 }, 'edges[0] key "capacity" has a bad value', /Got 2/],
    ["a text", { ...EDGE, capacity: "1" }, 'edges[0] key "capacity" has a bad value', /"1"/],
    ["nothing", { ...EDGE, nominal: null }, 'edges[0] key "nominal" has a bad value', /null/],
    ["an empty name", { ...EDGE, from: "" }, 'edges[0] key "from" has a bad value', /""/],
    ["a long name", { ...EDGE, to: "x".repeat(201) }, 'edges[0] key "to" has a bad value', /xxx/],
    ["a stranger", { ...EDGE, to: "c" }, 'edge names an unknown node "c"', /edges\[0\]/],
  ])("refuses an edge that is or has %s", (_, edge, message, detail) => {
    const said = refusal({ nodes: NODES, edges: [edge] });
    expect(said?.message).toBe(message);
    expect(said?.detail).toMatch(detail);
  });

  it.each<[string, unknown, string]>([
    ["an unknown key", { id: "c", type: "shard", rows: 1 }, 'nodes[2] has no key "rows"'],
    ["a bad mass", { id: "c", type: "shard", mass: -1 }, 'nodes[2] key "mass" has a bad value'],
    ["no id", { type: "shard" }, 'nodes[2] key "id" has a bad value'],
    ["a long label", { id: "c", type: "shard", label: "x".repeat(201) }, 'nodes[2] key "label"'],
    ["the id of another", { id: "a", type: "shard" }, 'node "a" is there twice'],
  ])("refuses a node with %s", (_, node, message) => {
    expect(refusal({ nodes: [...NODES, node], edges: [] })?.message).toContain(message);
  });

  it("takes what the schema takes: edges of any fields, plain or not", () => {
    const value = fc.constantFrom<unknown>(0, 1, 0.5, -1, 2, "a", "b", "", null, undefined, []);
    const fields = { from: value, to: value, capacity: value, nominal: value };
    const type = fc.constantFrom<unknown>(...EDGE_TYPES, "x", undefined);
    const good = (v: unknown): boolean => typeof v === "number" && v >= 0 && v <= 1;
    fc.assert(
      fc.property(fc.record({ ...fields, type }), (edge) => {
        const { from, to, capacity, nominal } = edge;
        const taken =
          [from, to].every((end) => end === "a" || end === "b") &&
          EDGE_TYPES.some((known) => known === edge.type) &&
          good(capacity) &&
          (nominal === undefined || good(nominal)) &&
          (capacity as number) <= ((nominal as number | undefined) ?? 1);
        expect(refusal({ nodes: NODES, edges: [edge] }) === null).toBe(taken);
      }),
      { numRuns: 500 },
    );
  });
});

it("the topology around some nodes is that of the whole graph, large groups cut short", () => {
  const graph: ContractedGraph = twoZones(150);
  const whole = topologyOf(graph);
  const ids = new Set(graph.nodes.filter((_, i) => i % 7 === 0).map(({ id }) => id));
  const around = topologyOf(graph, ids);
  for (const key of ["partitions", "centroids", "maintenance"] as const)
    expect(around[key]).toBe(whole[key]);
  expect(around.partitions).toBe(graph.nodes.filter(({ type }) => type === NODE_TYPES[0]).length);
  expect([...around.labels!.keys()]).toEqual([...ids]);
  for (const id of ids) {
    expect(around.links!.get(id)).toEqual(whole.links!.get(id));
    expect(around.groups!.get(id)).toEqual(whole.groups!.get(id)!.slice(0, 16));
  }
});

describe("a graph that takes too long to read", () => {
  it("is refused after as many steps on every machine, with what to push instead", () => {
    // A ring: nearly every flow in it goes round half of it.
    const count = 10_000;
    const nodes = Array.from({ length: count }, (_, i) => ({ id: `n${i}`, type: "partition" }));
    const edges = nodes.map(({ id }, i) => ({
      from: id,
      to: nodes[(i + 1) % count]!.id,
      type: "partition_link",
      capacity: (0.6 + 0.4 * ((i * 7919) % 97)) / 100,
      nominal: (40 + ((i * 104_729) % 61)) / 100,
    }));
    const host = { execute: () => expect.fail("it is not kept") } as unknown as Host;
    expect(() => acceptReport(host, 1, { nodes, edges })).toThrow(
      expect.objectContaining({
        document: expect.objectContaining({
          sqlstate: "RV001",
          message: "the graph takes too long to read",
          hint: expect.stringContaining('{"lambda": 0.6'),
        }),
      }),
    );
  });
});
