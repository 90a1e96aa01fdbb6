import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classify } from "../../src/classify/classify.ts";
import { describeWitness, summarizeWitness } from "../../src/classify/describe.ts";
import { labelsOfNodes } from "../../src/graph/labels.ts";
import { type Topology, topologyOf } from "../../src/graph/topology.ts";
import {
  type ContractedGraph,
  EDGE_TYPES,
  type EdgeType,
  type GraphEdge,
  type GraphNode,
  NODE_TYPES,
  type NodeType,
  type WitnessEdge,
} from "../../src/model/graph.ts";
import {
  type Metrics,
  PROBLEM_CLASSES,
  type Problem,
  type RuleEvidence,
} from "../../src/model/problem.ts";
import { pattern } from "../support/pattern.ts";
import { leastCpuMs } from "./support/cpu.ts";

const METRICS: Metrics = {
  partitions: [],
  memory_usage_pct: null,
  largest_consumers: [],
  index_fragmentation_pct: null,
  fragmented_indexes: [],
  maintenance_queue_depth: null,
  replication_lag_seconds: {},
  centroid_occupancy: {},
};

/** Metrics of partitions p0, p1, ... with these loads over the mean. */
const withLoads = (loads: readonly number[], more: Partial<Metrics> = {}): Metrics => ({
  ...METRICS,
  partitions: loads.map((load_ratio, i) => ({
    id: `partition:public.e_p${i}`,
    label: `e_p${i}`,
    rows: load_ratio * 1000,
    bytes: load_ratio * 8000,
    load_ratio,
  })),
  ...more,
});

const edge = (
  type: EdgeType,
  [from, from_type]: readonly [string, NodeType],
  [to, to_type]: readonly [string, NodeType],
  health: number,
  nominal = 0.25,
): WitnessEdge => ({
  type,
  from,
  from_type,
  to,
  to_type,
  nominal,
  capacity: nominal * health,
  health,
});

const HUB = ["shard:public.e", "shard"] as const;
const partition = (i: number) => [`partition:public.e_p${i}`, "partition"] as const;
const centroid = (i: number, index = "ix") => [`centroid:${index}.${i}`, "centroid"] as const;
const job = (i: number) => [`maintenance_dep:job${i}`, "maintenance_dep"] as const;
const vectorIndex = ["vector_index:public.e_idx", "vector_index"] as const;
const replica = (i: number) => [`replica:r${i}`, "replication_target"] as const;

/**
 * The witness of member 0 of a clique of n being cut off: its link to the hub and to every other
 * member.
 */
const memberCut = (
  n: number,
  member: (i: number) => readonly [string, NodeType],
  type: EdgeType,
  health: number,
  hubType: EdgeType = "routing_link",
): readonly WitnessEdge[] => [
  ...Array.from({ length: n - 1 }, (_, i) => edge(type, member(0), member(i + 1), health)),
  edge(hubType, member(0), HUB, health),
];

/** The witness of a whole group being cut off: every member's link to the hub. */
const groupCut = (
  n: number,
  member: (i: number) => readonly [string, NodeType],
  type: EdgeType,
  health: number,
) => Array.from({ length: n }, (_, i) => edge(type, member(i), HUB, health));

const rule = (problem: Problem, name: string): RuleEvidence => {
  const found = problem.evidence.rules.find((evidence) => evidence.rule.startsWith(name));
  if (!found) throw new Error(`no rule ${name}`);
  return found;
};
const topology = (partitions: number, centroids = 0, maintenance = 0): Topology => ({
  partitions,
  centroids,
  maintenance,
});
const classOf = (...input: Parameters<typeof classify>) => classify(...input).details.class;

describe("hotspot: more than 3 weak partition links", () => {
  it("names the hot partition of a clique, its load and the links", () => {
    const problem = classify(
      memberCut(8, partition, "partition_link", 0.31),
      withLoads([4.8, 0.5, 0.4, 0.5, 0.4, 0.5, 0.4, 0.5]),
    );
    expect(problem.details).toEqual({
      class: "hotspot_congestion",
      partition_ids: ["partition:public.e_p0"],
      load_ratio: 4.8,
    });
    expect(problem.summary).toBe(
      "Partition e_p0 holds 4.8 times the mean rows; 7 partition links of the minimum cut " +
        "are weak.",
    );
    expect(rule(problem, "partition_links")).toEqual({
      rule: "partition_links",
      class: "hotspot_congestion",
      met: true,
      measured: 7,
      threshold: 3,
      inclusive: false,
      missing: 0,
    });
  });

  it("is met by four links, missed by one with three", () => {
    const loads = withLoads([4, 0.2, 0.2, 0.2, 0.2, 0.2]);
    const four = memberCut(5, partition, "partition_link", 0.5);
    expect(classOf(four, loads)).toBe("hotspot_congestion");
    const three = classify(four.slice(1), loads);
    expect(three.details.class).toBe("unknown");
    expect(rule(three, "partition_links")).toMatchObject({
      rule: "partition_links",
      met: false,
      measured: 3,
      missing: 1,
    });
  });

  it("counts weak edges only", () => {
    const witness = memberCut(8, partition, "partition_link", 1);
    expect(classOf(witness, withLoads([1, 1, 1, 1, 1, 1, 1, 1]))).toBe("unknown");
    const rounding = memberCut(8, partition, "partition_link", 1 - 1e-9);
    expect(classify(rounding, METRICS).evidence.weak_edges).toBe(0);
  });

  it(
    "names every partition that would hold lambda down once the worst is healed, the hottest " +
      "first",
    () => {
      const problem = classify(
        memberCut(8, partition, "partition_link", 0.5),
        withLoads([3, 0.3, 2.9, 0.3, 0.3, 0.3, 0.3, 0.6]),
      );
      expect(problem.details).toMatchObject({
        partition_ids: ["partition:public.e_p0", "partition:public.e_p2"],
        load_ratio: 3,
      });
      expect(problem.summary).toMatch(
        /^Partitions e_p0 and e_p2 hold up to 3 times the mean rows; /,
      );
    },
  );

  it("does not name partitions that are merely above the mean", () => {
    const witness = memberCut(6, partition, "partition_link", 0.7);
    const hottest = { partition_ids: ["partition:public.e_p0"] };
    expect(classify(witness, withLoads([2.2, 1.4, 1.4, 0.3, 0.3, 0.4])).details).toMatchObject(
      hottest,
    );
    // Loaded, but far from the hottest: it does not hold lambda down at the same level.
    expect(classify(witness, withLoads([4, 2.5, 0.1, 0.1, 0.1, 0.1])).details).toMatchObject(
      hottest,
    );
    expect(classify(witness, withLoads([4, 3, 0.1, 0.1, 0.1, 0.1])).details).toMatchObject({
      partition_ids: ["partition:public.e_p0", "partition:public.e_p1"],
    });
  });

  it("names both sides' fewest sick ends when two partitions are cut off together", () => {
    const witness = [0, 1].flatMap((hot) =>
      [2, 3, 4, 5].map((cold) => edge("partition_link", partition(cold), partition(hot), 0.2)),
    );
    expect(classify(witness, METRICS).details).toMatchObject({
      partition_ids: ["partition:public.e_p0", "partition:public.e_p1"],
      load_ratio: 5, // not measured: the inverse of the health of the links
    });
    expect(classify(witness, METRICS).summary).toMatch(
      /keep 20 % of their link capacity \(load not measured\)/,
    );
  });

  it("keeps the load ratio finite when nothing is left of unmeasured links", () => {
    const problem = classify(memberCut(6, partition, "partition_link", 0), METRICS);
    expect(problem.details).toMatchObject({ class: "hotspot_congestion", load_ratio: 100 });
  });
});

describe("hotspot: two to four partitions use the share of a partition's links", () => {
  it.each([2, 3, 4])("%i partitions: all links of one", (n) => {
    const loads = withLoads(Array.from({ length: n }, (_, i) => (i === 0 ? n * 0.9 : 0.1)));
    const problem = classify(memberCut(n, partition, "partition_link", 0.4), loads);
    expect(problem.details).toMatchObject({
      class: "hotspot_congestion",
      partition_ids: ["partition:public.e_p0"],
    });
    expect(rule(problem, "partition_links")).toMatchObject({
      rule: "partition_links_share",
      met: true,
      measured: 1,
      threshold: 1,
      inclusive: true,
      missing: 0,
    });
    expect(rule(problem, "partition_links").note).toContain(
      `(${n - 1} of ${n - 1} weak and in the cut)`,
    );
  });

  it("of two partitions the fuller one is hot, whichever end the edge begins with", () => {
    const link = [edge("partition_link", partition(0), partition(1), 0.4)];
    expect(classify(link, withLoads([0.2, 1.8])).details).toMatchObject({
      partition_ids: ["partition:public.e_p1"],
      load_ratio: 1.8,
    });
    expect(classify(link, withLoads([1.8, 0.2])).details).toMatchObject({
      partition_ids: ["partition:public.e_p0"],
    });
  });

  it("is missed when one of the links is healthy or not in the cut", () => {
    const [first, second, third] = memberCut(4, partition, "partition_link", 0.4) as [
      WitnessEdge,
      WitnessEdge,
      WitnessEdge,
    ];
    const loads = withLoads([2, 1, 0.5, 0.5]);
    const missed = classify([first, second, { ...third, health: 1 }], loads);
    expect(missed.details.class).toBe("unknown");
    expect(rule(missed, "partition_links").missing).toBeCloseTo(1 / 3);
    expect(classOf([first, second], loads)).toBe("unknown");
  });

  it("does not hold for five partitions and more, nor for one or an unknown number", () => {
    const three = memberCut(4, partition, "partition_link", 0.4);
    expect(classOf(three, withLoads([2, 1, 1, 0.5, 0.5]))).toBe("unknown");
    expect(classOf(three, METRICS)).toBe("unknown");
    expect(classOf([], withLoads([1]))).toBe("unknown");
    // Not even where the graph says that these are all the links the partition has.
    const links = new Map([[partition(0)[0], { partition_link: 3 } as const]]);
    expect(classOf(three, METRICS, { ...topology(5), links })).toBe("unknown");
    expect(classOf(three, METRICS, { ...topology(4), links })).toBe("hotspot_congestion");
  });

  it("takes the number of partitions and of links from the graph where it is given", () => {
    const link = [edge("partition_link", partition(0), partition(1), 0.4)];
    expect(classOf(link, withLoads([1, 1, 1, 1]))).toBe("unknown");
    expect(classOf(link, withLoads([1, 1, 1, 1]), topology(2))).toBe("hotspot_congestion");
    // A chain of four: its end has one link only.
    const chain = {
      ...topology(4),
      links: new Map([[partition(0)[0], { partition_link: 1 } as const]]),
    };
    expect(classOf(link, METRICS, chain)).toBe("hotspot_congestion");
  });

  it("leaves memory pressure alone: its cut has no partition link", () => {
    const witness = groupCut(4, partition, "routing_link", 0.5);
    const problem = classify(
      witness,
      withLoads([1, 1, 1, 1], { memory_usage_pct: 93 }),
      topology(4),
    );
    expect(problem.details.class).toBe("memory_pressure");
    expect(rule(problem, "partition_links")).toMatchObject({ met: false, measured: 0, missing: 1 });
  });
});

describe("skew: more than 5 centroid nodes at weak edges", () => {
  it("names the sick centroid, not its neighbours", () => {
    const occupancy = { [centroid(0)[0]]: 12.5, [centroid(1)[0]]: 0.9 };
    const problem = classify(
      memberCut(9, centroid, "routing_link", 0.4),
      { ...METRICS, centroid_occupancy: occupancy },
      topology(4, 100),
    );
    expect(problem.details).toEqual({
      class: "centroid_skew",
      centroid_ids: ["centroid:ix.0"],
      skew_factor: 12.5,
    });
    expect(problem.summary).toBe(
      "Centroid ix.0 holds 12.5 times the mean list; 9 centroid nodes are at weak edges of " +
        "the minimum cut.",
    );
  });

  it(
    "names all centroids of an index that is cut off, and infers the factor where none is " +
      "measured",
    () => {
      const problem = classify(groupCut(20, centroid, "routing_link", 0.25), METRICS);
      expect(problem.details).toMatchObject({ class: "centroid_skew", skew_factor: 4 });
      expect((problem.details as { centroid_ids: readonly string[] }).centroid_ids).toHaveLength(
        20,
      );
      expect(problem.summary).toMatch(
        /and 17 more keep 25 % of their link capacity \(list occupancy not measured\)/,
      );
    },
  );

  it("is met by six nodes, missed by one with five; healthy edges do not count", () => {
    expect(classOf(memberCut(6, centroid, "routing_link", 0.4), METRICS)).toBe("centroid_skew");
    const five = classify(memberCut(5, centroid, "routing_link", 0.4), METRICS);
    expect(five.details.class).toBe("unknown");
    expect(rule(five, "centroid_nodes")).toMatchObject({
      rule: "centroid_nodes",
      measured: 5,
      missing: 1,
      met: false,
    });
    expect(classOf(memberCut(12, centroid, "routing_link", 1), METRICS)).toBe("unknown");
  });

  it.each([1, 2, 3, 4, 5])(
    "an index of %i centroids: the share decides, for a sick centroid and for the whole index",
    (n) => {
      const sick = classify(memberCut(n, centroid, "routing_link", 0.4), METRICS, topology(8, n));
      expect(sick.details).toMatchObject({
        class: "centroid_skew",
        centroid_ids: ["centroid:ix.0"],
      });
      expect(rule(sick, "centroid_nodes")).toMatchObject({
        rule: "centroid_nodes_share",
        measured: 1,
        met: true,
      });
      const drifted = classify(groupCut(n, centroid, "routing_link", 0.4), METRICS, topology(8, n));
      expect((drifted.details as { centroid_ids: readonly string[] }).centroid_ids).toHaveLength(n);
    },
  );

  it("is missed in a small index where only some links are weak, and says by how much", () => {
    const [first, second] = memberCut(5, centroid, "routing_link", 0.4) as [
      WitnessEdge,
      WitnessEdge,
    ];
    const problem = classify([first, second], METRICS, topology(8, 5));
    expect(problem.details.class).toBe("unknown");
    expect(rule(problem, "centroid_nodes").measured).toBeCloseTo(3 / 5);
    expect(rule(problem, "centroid_nodes").note).toContain("3 of 5 centroids");
  });

  it("an index of six centroids has only the count rule", () => {
    const one = [edge("routing_link", centroid(0), centroid(1), 0.4)];
    const links = new Map([[centroid(0)[0], { routing_link: 1 } as const]]);
    expect(classOf(one, METRICS, { ...topology(8, 6), links })).toBe("unknown");
    expect(classOf(one, METRICS, { ...topology(8, 5), links })).toBe("centroid_skew");
  });

  it(
    "knows small indexes among many by their groups; centroids without a group are no index of " +
      "one",
    () => {
      const ids = [0, 1, 2].map((i) => centroid(i, "leaf1")[0]);
      const groups = new Map(ids.map((id) => [id, ids]));
      const witness = memberCut(3, (i) => centroid(i, "leaf1"), "routing_link", 0.3);
      expect(classOf(witness, METRICS, { ...topology(4, 12), groups })).toBe("centroid_skew");
      expect(classOf(witness, METRICS, topology(4, 12))).toBe("unknown");
      const alone = new Map(ids.map((id) => [id, [id]]));
      expect(classOf(witness.slice(-1), METRICS, { ...topology(4, 12), groups: alone })).toBe(
        "unknown",
      );
    },
  );
});

describe("lag: any weak replication edge", () => {
  it("names the lagging replicas, worst first", () => {
    const witness = [
      edge("replication", HUB, replica(1), 0.6),
      edge("replication", replica(2), HUB, 0.3),
    ];
    const metrics = {
      ...METRICS,
      replication_lag_seconds: { "replica:r1": 14, "replica:r2": 45.26 },
    };
    const problem = classify(witness, metrics);
    expect(problem.details).toEqual({
      class: "replication_lag",
      replica_ids: ["replica:r2", "replica:r1"],
      lag_seconds: 45.26,
    });
    expect(problem.summary).toBe("Replicas r2 and r1 lag up to 45.3 s behind.");
  });

  it("is met without a measured lag, which then stays null", () => {
    const problem = classify([edge("replication", HUB, replica(1), 0.12)], METRICS);
    expect(problem.details).toEqual({
      class: "replication_lag",
      replica_ids: ["replica:r1"],
      lag_seconds: null,
    });
    expect(problem.summary).toBe(
      "Replica r1 keeps 12 % of the replication capacity (lag not measured).",
    );
  });

  it("is missed by a healthy one", () => {
    const problem = classify([edge("replication", HUB, replica(1), 1)], {
      ...METRICS,
      replication_lag_seconds: { "replica:r1": 500 },
    });
    expect(problem.details.class).toBe("unknown");
    expect(rule(problem, "replication_edges")).toMatchObject({
      measured: 0,
      threshold: 0,
      missing: 1,
    });
  });

  it("falls back on the far end where a pushed graph has no replica node", () => {
    expect(classify([edge("replication", HUB, partition(1), 0.1)], METRICS).details).toMatchObject({
      replica_ids: ["partition:public.e_p1"],
    });
  });
});

describe("contention: more than 2 weak dependency edges", () => {
  const labels = new Map([["maintenance_dep:job0", "nightly vacuum"]]);

  it("names the contending job by its label, and the queue", () => {
    const problem = classify(
      memberCut(4, job, "dependency", 0.4, "dependency"),
      { ...METRICS, maintenance_queue_depth: 12 },
      { ...topology(4, 0, 4), labels },
    );
    expect(problem.details).toEqual({
      class: "maintenance_contention",
      job_types: ["nightly vacuum"],
      queue_depth: 12,
    });
    expect(problem.summary).toBe(
      "Maintenance contention at nightly vacuum, 12 jobs queued; 4 dependency links of the " +
        "minimum cut are weak.",
    );
  });

  it("is met by three edges, missed by one with two", () => {
    const witness = memberCut(4, job, "dependency", 0.4, "dependency");
    expect(classOf(witness.slice(0, 3), METRICS, topology(0, 0, 9))).toBe("maintenance_contention");
    const two = classify(witness.slice(0, 2), METRICS, topology(0, 0, 9));
    expect(two.details.class).toBe("unknown");
    expect(rule(two, "dependencies")).toMatchObject({ measured: 2, missing: 1, met: false });
  });

  it.each([1, 2, 3])(
    "a group of %i: all dependency links of one node, whatever type its hub link has",
    (n) => {
      for (const hubType of ["dependency", "routing_link"] as const) {
        if (n === 1 && hubType === "routing_link") continue; // no dependency edge at all
        const witness = memberCut(n, job, "dependency", 0.4, hubType);
        expect(classOf(witness, METRICS, topology(0, 0, n))).toBe("maintenance_contention");
      }
    },
  );

  it("is missed in a small group when only some links are weak, and without a topology", () => {
    const one = [edge("dependency", job(0), job(1), 0.4)];
    const problem = classify(one, METRICS, topology(0, 0, 3));
    expect(problem.details.class).toBe("unknown");
    expect(rule(problem, "dependencies")).toMatchObject({
      rule: "dependencies_share",
      measured: 0.5,
      missing: 0.5,
    });
    expect(classOf(one, METRICS)).toBe("unknown");
  });
});

describe("metric rules", () => {
  it("recall: any vector index at a weak edge", () => {
    const cut = [edge("routing_link", HUB, vectorIndex, 0.4)];
    const recall = { "public.e_idx": { recall: 0.38, baseline: 1, probes: 40, k: 10 } };
    expect(classify(cut, { ...METRICS, recall })).toMatchObject({
      details: { class: "recall_loss", index_ids: ["public.e_idx"], recall: 0.38, due: 1 },
      summary: "Recall@10 of public.e_idx is 0.38, at best it was 1.",
    });
    const fresh = { ...recall["public.e_idx"], due_from: "fresh_build", blocks: 310 } as const;
    expect(classify(cut, { ...METRICS, recall: { "public.e_idx": fresh } }).summary).toBe(
      "Recall@10 of public.e_idx is 0.38, a fresh build on the same rows attains 1 (310 blocks a " +
        "search at 40).",
    );
    expect(classify(cut, { ...METRICS, invalid_indexes: ["public.e_idx"] })).toMatchObject({
      details: { recall: null, due: null },
      summary: "public.e_idx is INVALID: no search uses it, and every write keeps it.",
    });
    expect(classify(cut, METRICS).summary).toContain("recall not measured");
    expect(classOf([edge("routing_link", HUB, vectorIndex, 1)], METRICS)).toBe("unknown");
  });

  it("memory: above 85 %, not at it", () => {
    const largest_consumers = [
      { name: "work_mem", bytes: 1024 },
      { name: "shared_buffers", bytes: 3.25 * 2 ** 30 },
    ];
    const problem = classify([], { ...METRICS, memory_usage_pct: 91.25, largest_consumers });
    expect(problem.details).toEqual({
      class: "memory_pressure",
      current_usage_pct: 91.25,
      largest_consumers,
    });
    expect(problem.summary).toMatch(
      pattern(
        /^Memory use is 91\.[23] %, above 85 %; /,
        /the largest consumer is shared_buffers \(3\.[23] GB\)\.$/,
      ),
    );
    const at = classify([], { ...METRICS, memory_usage_pct: 85 });
    expect(at.details.class).toBe("unknown");
    expect(rule(at, "memory_usage_pct")).toMatchObject({
      met: false,
      missing: 0,
      note: "exactly at the limit; the rule wants more",
    });
  });

  it("above what was configured when the sample was taken", () => {
    const stress = { memory_pct: 60, fragmentation_pct: 50 };
    expect(classify([], { ...METRICS, stress, memory_usage_pct: 70 }).summary).toBe(
      "Memory use is 70 %, above 60 %.",
    );
    expect(classOf([], { ...METRICS, stress, index_fragmentation_pct: 42 })).toBe("unknown");
    expect(classify([], { ...METRICS, stress, index_fragmentation_pct: 51 }).summary).toBe(
      "Index fragmentation is 51 %, above 50 %.",
    );
  });

  it("fragmentation: above 30 %, not at it", () => {
    const problem = classify([], {
      ...METRICS,
      index_fragmentation_pct: 42,
      fragmented_indexes: ["a", "b", "c", "d"],
    });
    expect(problem.details).toEqual({
      class: "index_fragmentation",
      index_ids: ["a", "b", "c", "d"],
      fragmentation_pct: 42,
    });
    expect(problem.summary).toBe("Index fragmentation is 42 %, above 30 %: a, b, c and 1 more.");
    expect(classOf([], { ...METRICS, index_fragmentation_pct: 30 })).toBe("unknown");
  });

  it("a figure that was not measured meets nothing and says so", () => {
    for (const memory_usage_pct of [null, Number.NaN]) {
      const problem = classify([], { ...METRICS, memory_usage_pct });
      expect(rule(problem, "memory_usage_pct")).toMatchObject({
        met: false,
        measured: null,
        missing: null,
        note: "not measured",
      });
    }
  });
});

describe("precedence and evidence", () => {
  const parts: readonly (readonly [string, readonly WitnessEdge[], Partial<Metrics>])[] = [
    ["hotspot_congestion", memberCut(8, partition, "partition_link", 0.4), {}],
    ["centroid_skew", memberCut(9, centroid, "routing_link", 0.4), {}],
    ["replication_lag", [edge("replication", HUB, replica(0), 0.4)], {}],
    ["maintenance_contention", memberCut(5, job, "dependency", 0.4, "dependency"), {}],
    ["recall_loss", [edge("routing_link", HUB, vectorIndex, 0.4)], {}],
    ["memory_pressure", [], { memory_usage_pct: 99 }],
    ["index_fragmentation", [], { index_fragmentation_pct: 99 }],
  ];

  it("the first rule met names the problem; the evidence shows which others are met", () => {
    for (let first = 0; first < parts.length; first++) {
      const rest = parts.slice(first);
      const problem = classify(
        rest.flatMap(([, witness]) => witness),
        Object.assign({ ...METRICS }, ...rest.map(([, , metrics]) => metrics)),
      );
      expect(problem.details.class).toBe(parts[first]![0]);
      expect(problem.evidence.rules.map(({ met }) => met)).toEqual(parts.map((_, i) => i >= first));
      expect(problem.evidence.rules.map((evidence) => evidence.class)).toEqual(
        parts.map(([name]) => name),
      );
    }
  });

  it("counts weak edges by type and distinct nodes by type", () => {
    const witness = [
      ...memberCut(3, partition, "partition_link", 0.4),
      edge("replication", HUB, replica(0), 1),
    ];
    expect(classify(witness, METRICS).evidence).toMatchObject({
      edge_types: { partition_link: 2, routing_link: 1 },
      node_types: { partition: 3, shard: 1 },
      weak_edges: 3,
      witness_edges: 4,
    });
  });
});

describe("unknown", () => {
  it("tells healthy, nothing to judge, and weak edges without a rule apart", () => {
    expect(classify([edge("routing_link", partition(0), HUB, 1)], METRICS)).toMatchObject({
      details: {
        class: "unknown",
        witness_summary: "no weak edge in the minimum cut: the graph is healthy",
      },
      summary: "No weak edge in the minimum cut: the graph is healthy.",
    });
    expect(classify([], METRICS).summary).toBe(
      "No edge in the minimum cut: there is nothing to judge.",
    );
    const weak = [
      edge("routing_link", partition(0), HUB, 0.5),
      edge("dependency", job(0), job(1), 0.12),
    ];
    expect(summarizeWitness(weak)).toBe(
      "2 weak edges in the minimum cut (1 routing_link, 1 dependency), the weakest " +
        "dependency job0 - job1: 12 % of its capacity is left",
    );
  });
});

describe("hostile input", () => {
  const evil = "\u001b[2J\u202eDROP'\"\n\u0000";

  it("names go through unchanged in details and harmless in text", () => {
    const node = [`partition:${evil}`, "partition"] as const;
    const witness = [1, 2, 3, 4].map((i) => edge("partition_link", node, partition(i), 0.2));
    const problem = classify(witness, METRICS);
    expect(problem.details).toMatchObject({ partition_ids: [`partition:${evil}`] });
    expect(problem.summary).not.toMatch(/[\u0000-\u001f\u202e]/);
    expect(describeWitness(witness).join("")).not.toMatch(/[\u0000-\u001f\u202e]/);
  });

  it("ids that name parts of Object are ids like others", () => {
    const witness = [edge("replication", HUB, ["constructor", "replication_target"], 0.2)];
    expect(classify(witness, METRICS).details).toEqual({
      class: "replication_lag",
      replica_ids: ["constructor"],
      lag_seconds: null,
    });
    const proto = [edge("replication", HUB, ["__proto__", "replication_target"], 0.2)];
    expect(classify(proto, METRICS).details).toMatchObject({
      replica_ids: ["__proto__"],
      lag_seconds: null,
    });
  });

  const anyEdge: fc.Arbitrary<WitnessEdge> = fc.record({
    type: fc.constantFrom(...EDGE_TYPES),
    from: fc.oneof(fc.constantFrom("a", "b", "c", "d"), fc.string()),
    from_type: fc.constantFrom(...NODE_TYPES),
    to: fc.oneof(fc.constantFrom("a", "b", "c", "d"), fc.string()),
    to_type: fc.constantFrom(...NODE_TYPES),
    nominal: fc.double({ min: 0, max: 1, noNaN: true }),
    capacity: fc.double({ min: 0, max: 1, noNaN: true }),
    health: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  it("any witness has a class, evidence that agrees with it, and text on one line", () => {
    fc.assert(
      fc.property(
        fc.array(anyEdge, { maxLength: 20 }),
        fc.option(
          fc.record({ partitions: fc.nat(6), centroids: fc.nat(7), maintenance: fc.nat(4) }),
          { nil: undefined },
        ),
        fc.option(fc.double()),
        (witness, size, memory_usage_pct) => {
          const problem = classify(witness, { ...METRICS, memory_usage_pct }, size);
          expect(PROBLEM_CLASSES).toContain(problem.details.class);
          expect(problem.evidence.rules).toHaveLength(7);
          expect(problem.evidence.rules.find(({ met }) => met)?.class ?? "unknown").toBe(
            problem.details.class,
          );
          for (const { met, measured, missing, threshold, inclusive } of problem.evidence.rules) {
            expect(met).toBe(
              measured !== null && (inclusive ? measured >= threshold : measured > threshold),
            );
            if (met) expect(missing).toBe(0);
            else expect(missing === null || missing >= 0).toBe(true);
          }
          expect(problem.summary).toMatch(/^[^\n\r\u001b]+\.$/);
          // Everything can be stored: no NaN or Infinity where a number must be.
          if (problem.details.class === "hotspot_congestion")
            expect(problem.details.load_ratio).toBeGreaterThanOrEqual(1);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("does not depend on the order of the edges or of their ends", () => {
    const shuffled = fc
      .array(anyEdge, { maxLength: 12 })
      .chain((edges) =>
        fc.tuple(
          fc.constant(edges),
          fc.shuffledSubarray(edges, { minLength: edges.length }),
          fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
        ),
      );
    fc.assert(
      fc.property(shuffled, ([edges, other, flips]) => {
        const turned = other.map((e, i) =>
          flips[i] && e.type !== "replication"
            ? { ...e, from: e.to, from_type: e.to_type, to: e.from, to_type: e.from_type }
            : e,
        );
        const size = topology(3, 4, 2);
        const [one, two] = [classify(edges, METRICS, size), classify(turned, METRICS, size)];
        expect(two.evidence).toEqual(one.evidence);
        // The words for an unknown problem keep the direction of the edge they name.
        if (one.details.class !== "unknown") expect(two.details).toEqual(one.details);
      }),
      { numRuns: 200 },
    );
  });

  it("a thousand weak edges take no time", () => {
    const taken = leastCpuMs(() => {
      classify(groupCut(1000, centroid, "routing_link", 0.5), METRICS);
      classify(memberCut(1000, centroid, "routing_link", 0.5), METRICS);
    }, 3);
    expect(taken).toBeLessThan(500);
  });
});

describe("topologyOf", () => {
  const node = ([id, type]: readonly [string, NodeType], label = id): GraphNode => ({
    id,
    type,
    label,
    mass: 0,
    measured: true,
  });

  it("counts nodes and links, and tells the indexes apart", () => {
    const nodes = [
      node(HUB),
      node(partition(0), "e_p0"),
      node(partition(1)),
      node(centroid(0, "a")),
      node(centroid(1, "a")),
      node(centroid(0, "b")),
    ];
    const link = (u: number, v: number, type: EdgeType): GraphEdge => ({
      u,
      v,
      type,
      nominal: 0.5,
      health: 1,
    });
    const graph: ContractedGraph = {
      nodes,
      edges: [
        link(1, 2, "partition_link"),
        link(0, 1, "routing_link"),
        link(3, 4, "routing_link"),
        link(0, 3, "routing_link"),
        link(0, 5, "routing_link"),
      ],
    };
    const found = topologyOf(graph);
    expect(found).toMatchObject({ partitions: 2, centroids: 3, maintenance: 0 });
    expect(found.groups?.get("centroid:a.0")).toEqual(["centroid:a.0", "centroid:a.1"]);
    expect(found.groups?.get("centroid:b.0")).toEqual(["centroid:b.0"]);
    expect(found.links?.get(HUB[0])).toEqual({ routing_link: 3 });
    expect(found.labels?.get("partition:public.e_p0")).toBe("e_p0");
  });

  it("of an empty graph is empty", () => {
    expect(topologyOf({ nodes: [], edges: [] })).toMatchObject({
      partitions: 0,
      centroids: 0,
      maintenance: 0,
    });
  });
});

describe("describeWitness", () => {
  const witness = [
    edge("partition_link", partition(3), partition(5), 0.31),
    edge("routing_link", partition(3), HUB, 0),
    edge("replication", HUB, replica(0), 1),
  ];
  const label = labelsOfNodes([{ id: partition(3)[0], label: "e_p3" }]);

  it("says what is left of each edge, weakest first", () => {
    expect(describeWitness(witness, 8, label)).toEqual([
      "routing_link e_p3 - public.e: none of its capacity is left",
      "partition_link e_p3 - public.e_p5: 31 % of its capacity is left",
      "replication public.e - r0: all of its capacity is there",
    ]);
  });

  it("calls the server what people call it", () => {
    const link = edge(
      "routing_link",
      ["vector_index:e_i", "vector_index"],
      ["shard:0", "shard"],
      0,
    );
    expect(describeWitness([link])).toEqual([
      "routing_link e_i - this server: none of its capacity is left",
    ]);
  });

  it("never takes more lines than allowed, and says how many edges are left out", () => {
    expect(describeWitness(witness, 2)).toHaveLength(2);
    expect(describeWitness(witness, 2)[1]).toBe("and 2 more edges");
    expect(describeWitness(witness, 1)).toEqual(["3 edges"]);
    expect(describeWitness(witness, 0)).toEqual([]);
    expect(describeWitness([], 5)).toEqual([]);
  });

  it("rounds neither up to all nor down to nothing", () => {
    const [line] = describeWitness([edge("dependency", job(0), job(1), 0.9999)]);
    expect(line).toContain("over 99 % of its capacity is left");
    expect(describeWitness([edge("dependency", job(0), job(1), 0.001)])[0]).toContain(
      "less than 1 % of its capacity is left",
    );
  });
});
