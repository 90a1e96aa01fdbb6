import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contractedGraph } from "../../src/graph/contracted.ts";
import { read, readPushed } from "../../src/graph/reading.ts";
import type {
  ContractedGraph,
  EdgeType,
  GraphEdge,
  NodeType,
  Reading,
} from "../../src/model/graph.ts";
import {
  type CollectionSize,
  type Faults,
  SIZES,
  asContracted,
  bruteForceFraction,
  plainGraph,
  randomNumbers,
  simulatedCollection,
  sizeName,
  smallGraphs,
  twoZones,
  weakened,
} from "./support/graphs.ts";
import { leastCpuMs } from "./support/cpu.ts";

const readSimulated = (size: CollectionSize, faults: Faults = {}, shortcuts = true): Reading =>
  read(contractedGraph(simulatedCollection(size, faults)), { shortcuts });

const count = ({ witness }: Reading, type: EdgeType): number =>
  witness.filter((edge) => edge.type === type).length;

/** Nodes of a type among the ends of the witness edges. */
function nodesInWitness({ witness }: Reading, type: NodeType): number {
  const ids = new Set<string>();
  for (const edge of witness) {
    if (edge.from_type === type) ids.add(edge.from);
    if (edge.to_type === type) ids.add(edge.to);
  }
  return ids.size;
}

const witnessSum = ({ witness }: Reading): number =>
  witness.reduce((sum, { capacity }) => sum + capacity, 0);

const NAMED_SIZES = SIZES.map((size) => [sizeName(size), size] as const);
const MEDIUM: CollectionSize = { partitions: 8, centroids: 20, maintenance: 4, replicas: 2 };
const LARGE: CollectionSize = { partitions: 64, centroids: 400, maintenance: 5, replicas: 3 };

describe("reading a balanced graph", () => {
  describe.each(NAMED_SIZES)("of %s", (_, size) => {
    it("is 1 when all is healthy", () => {
      const healthy = readSimulated(size);
      expect(healthy.lambda).toBe(1);
      expect(healthy.raw).toBe(1);
      expect(healthy.side).toHaveLength(1);
      expect(witnessSum(healthy)).toBeCloseTo(1, 9);
      // The same by computing it.
      expect(readSimulated(size, {}, false).lambda).toBe(1);
    });

    it.each([0.9, 0.5, 0.25, 0.01, 0])("is %d when one component has that health", (f) => {
      const components: string[] = ["partition:0", "partition"];
      if (size.centroids > 0) components.push("centroid:0", "centroid");
      if (size.maintenance > 0) components.push("maintenance:0", "maintenance");
      if (size.replicas > 0) components.push("replica:0");
      if (size.indexes) components.push("vector_index:0");
      for (const component of components) {
        const reading = readSimulated(size, { [component]: f });
        expect(reading.lambda).toBe(f);
        expect(witnessSum(reading)).toBeCloseTo(f, 9);
      }
    });
  });

  it("is the worst health of all, with the shortcuts and without", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.nat(20),
        fc.nat(4),
        fc.nat(2),
        fc.nat(),
        (partitions, centroids, maintenance, replicas, seed) => {
          const size = { partitions, centroids, maintenance, replicas };
          const random = randomNumbers(seed);
          const faults: Record<string, number> = {};
          const { groups, replicas: targets } = simulatedCollection(size);
          const names = [
            ...groups.flatMap(({ members }) => members.map(({ id }) => id)),
            ...targets.map(({ id }) => id),
          ];
          for (const name of [...names, "partition"]) {
            if (random() < 0.4) faults[name] = Math.round(random() * 100) / 100;
          }
          const worst = Math.min(1, ...Object.values(faults));
          const reading = readSimulated(size, faults);
          expect(reading.lambda).toBe(worst);
          expect(reading.raw).toBeCloseTo(worst, 9);
          expect(readSimulated(size, faults, false).lambda).toBe(worst);
        },
      ),
      { numRuns: 80 },
    );
  });

  it("reads the worse of two faults, and after its healing the other", () => {
    const both = readSimulated(MEDIUM, { "partition:0": 0.5, "partition:1": 0.4 });
    expect(both.lambda).toBe(0.4);
    expect(both.side).toEqual(["partition:1"]);
    const healed = readSimulated(MEDIUM, { "partition:0": 0.5 });
    expect(healed.lambda).toBe(0.5);
    expect(healed.side).toEqual(["partition:0"]);
  });

  it("does not change when healthy parts are added", () => {
    const faults = { "centroid:3": 0.35 };
    for (const size of [
      MEDIUM,
      { ...MEDIUM, partitions: 60 },
      { ...MEDIUM, replicas: 9 },
      { ...MEDIUM, centroids: 300 },
    ]) {
      const reading = readSimulated(size, faults);
      expect(reading.lambda).toBe(0.35);
      expect(reading.side).toEqual(["centroid:3"]);
    }
  });

  describe("has the witness by which the fault is classified:", () => {
    it.each([
      [MEDIUM, 7],
      [{ ...MEDIUM, partitions: 3 }, 2],
      [LARGE, 8],
    ])("a hot partition (%#)", (size, links) => {
      const reading = readSimulated(size, { "partition:1": 0.25 });
      expect(count(reading, "partition_link")).toBe(links);
      expect(count(reading, "routing_link")).toBe(1);
      expect(reading.witness).toHaveLength(links + 1);
      expect(reading.side).toEqual(["partition:1"]);
      expect(reading.mass).toBeCloseTo(1 / size.partitions, 12);
      expect(reading.trivial).toBe(false);
      expect(new Set(reading.witness.map(({ from }) => from))).toEqual(new Set(["partition:1"]));
    });

    it.each([MEDIUM, LARGE])("a sick centroid (%#)", (size) => {
      const reading = readSimulated(size, { "centroid:7": 0.3 });
      expect(reading.witness).toHaveLength(9);
      expect(count(reading, "routing_link")).toBe(9);
      expect(nodesInWitness(reading, "centroid")).toBe(9);
    });

    it.each([MEDIUM, LARGE])("a drifted index (%#)", (size) => {
      const reading = readSimulated(size, { centroid: 0.4 });
      expect(count(reading, "routing_link")).toBe(size.centroids);
      expect(nodesInWitness(reading, "centroid")).toBe(size.centroids);
      expect(reading.witness).toHaveLength(size.centroids);
      expect(count(reading, "partition_link")).toBe(0);
    });

    it.each([MEDIUM, LARGE])("a starved maintenance node (%#)", (size) => {
      const reading = readSimulated(size, { "maintenance:0": 0.2 });
      expect(reading.witness).toHaveLength(size.maintenance);
      expect(count(reading, "dependency")).toBe(size.maintenance);
    });

    it.each([MEDIUM, LARGE])("a lagging replica (%#)", (size) => {
      const reading = readSimulated(size, { "replica:1": 0.1 });
      expect(reading.witness).toHaveLength(1);
      expect(count(reading, "replication")).toBe(1);
      expect(reading.side).toEqual(["replica:1"]);
      expect(reading.trivial).toBe(true);
      expect(reading.mass).toBe(0);
    });

    it.each([MEDIUM, LARGE])("memory pressure or fragmentation (%#)", (size) => {
      const reading = readSimulated(size, { partition: 0.3 });
      expect(count(reading, "partition_link")).toBe(0);
      expect(count(reading, "replication")).toBe(0);
      expect(count(reading, "dependency")).toBe(0);
      expect(nodesInWitness(reading, "centroid")).toBe(0);
      expect(count(reading, "routing_link")).toBe(size.partitions);
      // All rows are behind the cut, on whichever side fewer nodes are.
      expect(reading.mass).toBe(1);
      expect(reading.trivial).toBe(false);
    });
  });

  it("names dead links", () => {
    const reading = readSimulated(MEDIUM, { "partition:2": 0 });
    expect(reading.lambda).toBe(0);
    expect(reading.witness).toHaveLength(8);
    expect(reading.witness.every(({ capacity, nominal }) => capacity === 0 && nominal > 0)).toBe(
      true,
    );
  });

  it("reports the side with fewer nodes, and of two equal ones the one without the shard", () => {
    const alone = readSimulated(
      { partitions: 3, centroids: 0, maintenance: 0, replicas: 0 },
      { partition: 0.5 },
    );
    expect(alone.side).toEqual(["shard:0"]);
    expect(alone.mass).toBe(1);
    const balanced = readSimulated(
      { partitions: 2, centroids: 0, maintenance: 0, replicas: 1 },
      { partition: 0.5 },
    );
    expect(balanced.side).toEqual(["partition:0", "partition:1"]);
    expect(balanced.witness.map(({ from_type, to_type }) => [from_type, to_type])).toEqual([
      ["partition", "shard"],
      ["partition", "shard"],
    ]);
  });

  it("counts nodes where nobody said what they hold", () => {
    const reading = readSimulated(
      { partitions: 0, centroids: 4, maintenance: 0, replicas: 5 },
      { centroid: 0.5 },
    );
    expect(reading.mass).toBeCloseTo(4 / 10, 12);
  });

  it("is null below two nodes", () => {
    const empty = { lambda: null, raw: null, witness: [], side: [], mass: 0, trivial: false };
    expect(readSimulated({ partitions: 0, centroids: 0, maintenance: 0, replicas: 0 })).toEqual(
      empty,
    );
    expect(read({ nodes: [], edges: [] })).toEqual(empty);
    expect(readPushed({ nodes: [], edges: [] })).toEqual(empty);
  });

  it("is the same every time", () => {
    const faults = { "partition:0": 0.5, "centroid:1": 0.5, "replica:0": 0.5 };
    expect(readSimulated(MEDIUM, faults)).toEqual(readSimulated(MEDIUM, faults));
  });
});

describe("reading a pushed graph", () => {
  const healths = fc.array(fc.constantFrom(1, 1, 1, 0.9, 0.5, 0.25, 0), {
    minLength: 24,
    maxLength: 24,
  });

  it("is the definition: the worst c(S) / max kappa of all cuts", () => {
    fc.assert(
      fc.property(smallGraphs, healths, (graph, health) => {
        const current = graph.capacity.map((capacity, e) => capacity * health[e]!);
        const expected = bruteForceFraction(graph, current);
        const reading = readPushed(asContracted(graph, health));
        if (expected === Infinity) {
          expect(reading.lambda).toBeNull();
        } else {
          expect(reading.lambda).toBeCloseTo(expected, 8);
          expect(reading.raw!).toBeLessThanOrEqual(witnessSum(reading) + 1e-9);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("agrees with the balanced reading on balanced graphs", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.nat(20),
        fc.nat(3),
        fc.nat(),
        (partitions, centroids, replicas, seed) => {
          const random = randomNumbers(seed);
          const faults: Record<string, number> = {
            [`partition:${Math.floor(random() * partitions)}`]: random(),
          };
          if (random() < 0.5) faults["centroid"] = random();
          const graph = contractedGraph(
            simulatedCollection({ partitions, centroids, maintenance: 3, replicas }, faults),
          );
          expect(readPushed(graph).lambda).toBeCloseTo(read(graph).lambda!, 8);
        },
      ),
      { numRuns: 40 },
    );
  });

  describe("of 1,000 nodes in two zones", () => {
    const graph = twoZones(1000);
    const healthyRaw = readPushed(graph).raw!;
    const isShard = (node: number): boolean => graph.nodes[node]!.type === "shard";
    const touches =
      (node: number) =>
      ({ u, v }: GraphEdge) =>
        u === node || v === node;
    const zoneToZone = ({ u, v, type }: GraphEdge): boolean =>
      type === "routing_link" && isShard(u) && isShard(v);
    const partition = graph.nodes.findIndex(({ type }) => type === "partition") + 40;
    const manyLinks = graph.edges.findIndex(
      ({ u, v, type }) => type === "partition_link" && isShard(u) && isShard(v),
    );

    /**
     * Lambda, and the plain minimum cut over that of the healthy graph, as anyone would normalise
     * it.
     */
    const lambdaAndNaive = (faulty: ContractedGraph): [number, number] => {
      const { lambda, raw } = readPushed(faulty);
      return [lambda!, raw! / healthyRaw];
    };
    const near = (value: number, low: number, high: number): void => {
      expect(value).toBeGreaterThanOrEqual(low);
      expect(value).toBeLessThanOrEqual(high);
    };

    it("healthy with noise of 0.9 to 1.0 reads about 0.90", () => {
      expect(graph.edges.length).toBeGreaterThan(3000);
      near(lambdaAndNaive(graph)[0], 0.9, 0.91);
    });

    it("one shard at 20 % reads about 0.19", () => {
      const [lambda] = lambdaAndNaive(weakened(graph, 0.2, touches(0)));
      near(lambda, 0.18, 0.2);
    });

    it("one partition's links at 20 % read about 0.19, where the plain cut sees less", () => {
      const [lambda, naive] = lambdaAndNaive(weakened(graph, 0.2, touches(partition)));
      near(lambda, 0.18, 0.2);
      expect(naive).toBeGreaterThan(0.8);
    });

    it("one of many links at 5 % changes nothing", () => {
      expect(lambdaAndNaive(weakened(graph, 0.05, (_, e) => e === manyLinks))[0]).toBe(
        readPushed(graph).lambda,
      );
    });

    it("everything at 50 % reads about 0.45", () => {
      near(lambdaAndNaive(weakened(graph, 0.5, () => true))[0], 0.45, 0.455);
    });

    it("zone-to-zone links at 20 % read about 0.19, and name them", () => {
      const faulty = weakened(graph, 0.2, zoneToZone);
      const reading = readPushed(faulty);
      near(reading.lambda!, 0.18, 0.2);
      expect(reading.witness).toHaveLength(4);
      near(reading.mass, 0.4, 0.6);
      expect(reading.raw! / healthyRaw).toBeGreaterThan(0.7);
    });

    it("a partition's fault is not hidden by 200 healthy leaves", () => {
      const faulty = weakened(graph, 0.2, touches(partition));
      const nodes = [...graph.nodes];
      const edges = [...faulty.edges];
      for (let leaf = 0; leaf < 200; leaf++) {
        nodes.push({
          id: `leaf:${leaf}`,
          type: "replication_target",
          label: "",
          mass: 0,
          measured: true,
        });
        edges.push({
          u: nodes.length - 1,
          v: leaf % 8,
          type: "replication",
          nominal: 0.7,
          health: 1,
        });
      }
      expect(readPushed({ nodes, edges }).lambda).toBe(readPushed(faulty).lambda);
    });

    it("takes well under a second", () => {
      expect(leastCpuMs(() => readPushed(graph), 3)).toBeLessThan(1000);
    });
  });

  const unit = (
    n: number,
    edges: readonly (readonly [number, number, number])[],
    health: number[],
  ) => asContracted(plainGraph(n, edges), health);

  it("is 1 when all is healthy, whatever the nominal capacities", () => {
    const reading = readPushed(
      unit(
        4,
        [
          [0, 1, 5],
          [1, 2, 0.1],
          [2, 3, 7],
        ],
        [1, 1, 1],
      ),
    );
    expect(reading).toMatchObject({ lambda: 1, raw: 0.1 });
    expect(reading.witness.map(({ nominal }) => nominal)).toEqual([0.1]);
  });

  it("is 0 when something designed to be connected is cut off, and names the dead links", () => {
    const reading = readPushed(
      unit(
        5,
        [
          [0, 1, 1],
          [1, 2, 1],
          [2, 0, 1],
          [2, 3, 1],
          [3, 4, 1],
        ],
        [1, 1, 1, 0, 0.5],
      ),
    );
    expect(reading).toMatchObject({ lambda: 0, raw: 0, side: ["node:3", "node:4"] });
    expect(reading.witness).toEqual([
      {
        type: "partition_link",
        from: "node:3",
        from_type: "partition",
        to: "node:2",
        to_type: "partition",
        nominal: 1,
        capacity: 0,
        health: 0,
      },
    ]);
  });

  it("looks for what is cut off among broken pieces only, however small the whole ones are", () => {
    const reading = readPushed(
      unit(
        7,
        [
          [0, 1, 1],
          [2, 3, 1],
          [3, 4, 1],
          [4, 5, 1],
          [5, 6, 1],
        ],
        [1, 1, 0.9, 0, 1],
      ),
    );
    expect(reading).toMatchObject({ lambda: 0, raw: 0, side: ["node:5", "node:6"] });
    const larger = readPushed(
      unit(
        7,
        [
          [0, 1, 1],
          [2, 3, 1],
          [3, 4, 1],
          [4, 5, 1],
          [5, 6, 1],
        ],
        [1, 1, 0, 1, 1],
      ),
    );
    expect(larger).toMatchObject({ lambda: 0, raw: 0, side: ["node:2", "node:3"] });
    const smallest = readPushed(
      unit(
        8,
        [
          [0, 1, 1],
          [2, 3, 1],
          [3, 4, 1],
          [5, 6, 1],
          [6, 7, 1],
          [4, 5, 1],
        ],
        [1, 1, 1, 1, 1, 0],
      ),
    );
    expect(smallest).toMatchObject({ lambda: 0, raw: 0, side: ["node:2", "node:3", "node:4"] });
  });

  it("reads pieces that were never designed to be connected one by one", () => {
    const reading = readPushed(
      unit(
        6,
        [
          [0, 1, 1],
          [2, 3, 2],
          [3, 4, 2],
        ],
        [0.9, 1, 0.5],
      ),
    );
    expect(reading).toMatchObject({ lambda: 0.5, raw: 0, side: ["node:4"] });
    expect(
      readPushed(
        unit(
          4,
          [
            [0, 1, 1],
            [2, 3, 2],
          ],
          [1, 1],
        ),
      ),
    ).toMatchObject({ lambda: 1, raw: 0 });
    expect(
      readPushed(
        unit(
          4,
          [
            [0, 1, 1],
            [2, 3, 2],
          ],
          [0, 1],
        ),
      ),
    ).toMatchObject({ lambda: 0, raw: 0, side: ["node:0"] });
  });

  it("is null where nothing was designed to be connected", () => {
    expect(readPushed(unit(3, [], []))).toMatchObject({ lambda: null, raw: 0, witness: [] });
    expect(readPushed(unit(2, [[0, 1, 0]], [1]))).toMatchObject({
      lambda: null,
      raw: 0,
      witness: [],
    });
  });
});
