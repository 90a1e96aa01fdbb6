/**
 * What the status page and the terminal commands make of what they read; no browser, no database.
 */
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import fc from "fast-check";
import stringWidth from "string-width";
import { boxOf, placeLabels, told } from "../../src/commands/page/client/graph/labels.ts";
import { layout } from "../../src/commands/page/client/graph/layout.ts";
import { createCache } from "../../src/commands/page/cache.ts";
import { stateLine, tickError } from "../../src/commands/status-data/headline.ts";
import type { CollectionSeen, Overview } from "../../src/commands/status-data/documents.ts";
import { reduceGraph } from "../../src/commands/status-data/scene.ts";
import { exitCode } from "../../src/commands/terminal/status.ts";
import { squeezed } from "../../src/commands/terminal/draw.ts";
import { news } from "../../src/commands/terminal/watch.ts";
import { frame } from "../../src/commands/terminal/watch-frame.ts";
import { contractedGraph } from "../../src/graph/contracted.ts";

const collection = (name: string, more: Partial<CollectionSeen> = {}): CollectionSeen => ({
  name,
  verdict: "healthy",
  sentence: "lambda is 1",
  state: "normal",
  lambda: 1,
  since: 0,
  sampled_at: 0,
  enabled: true,
  mode: null,
  cooldown_until: null,
  refusals: [],
  unmeasured: 0,
  witness: null,
  trend: Array.from({ length: 60 }, () => 1),
  ...more,
});

const overview = (more: Partial<Overview> = {}): Overview => ({
  now: 1_000_000,
  database: "db",
  standby: false,
  enabled: true,
  loop: {
    condition: "running",
    stands_still: false,
    title: "The loop runs",
    sentence: "The loop runs.",
    statement: null,
  },
  tick: { at: 999_000, age: 1, interval: 5, error: null, error_at: null, failed: false },
  breaker: { state: "closed", reason: null, until: null },
  healings: { day: 0, success_rate: null, last: null },
  collections: [collection("a"), collection("b")],
  active: [],
  recommendations: [],
  leases: [],
  outcomes: [],
  strategies: [],
  missing: [],
  ...more,
});

const active = {
  id: 3,
  collection: "a",
  strategy: "rebalance_partitions",
  problem: "hotspot_congestion",
  state: "executing",
  rows_done: 10,
  rows_planned: 40,
  started_at: 900_000,
  deadline: null,
  message: null,
};

describe("the one sentence", () => {
  const sick = collection("a", {
    verdict: "stress",
    sentence: "s",
    state: "stress",
    lambda: 0.4,
    witness: "x",
  });
  const verdict = (how: CollectionSeen["verdict"]) =>
    collection("a", { verdict: how, sentence: `it is ${how}` });
  it.each([
    ["all is well", {}, "normal", /^All 2 collections are healthy$/],
    ["nothing registered", { collections: [] }, "unknown", /^Nothing is registered/],
    // The breaker is not shown to who sees some tenants only.
    [
      "nothing of a tenant",
      { collections: [], breaker: undefined },
      "unknown",
      /^No collection of your tenants/,
    ],
    [
      "an action at work",
      { collections: [verdict("healing"), collection("b")], active: [active] },
      "action",
      /^1 collection is healing$/,
    ],
    [
      "a sick collection",
      { collections: [sick, collection("b")] },
      "stress",
      /^1 collection needs attention$/,
    ],
    [
      "a critical one",
      { collections: [{ ...sick, verdict: "critical" }] },
      "critical",
      /needs attention/,
    ],
    [
      "one that is back",
      { collections: [verdict("recovering"), collection("b")] },
      "action",
      /is recovering$/,
    ],
    [
      "an action that waits",
      { collections: [sick], active: [{ ...active, state: "awaiting_approval" }] },
      "stress",
      /waits for your approval$/,
    ],
    [
      "a breaker that is open",
      { collections: [sick], breaker: { state: "open", reason: "r", until: null } },
      "stress",
      /circuit breaker/,
    ],
    [
      "one of which nothing is known",
      { collections: [verdict("unknown"), collection("b")] },
      "unknown",
      /^Nothing is known of 1 collection$/,
    ],
    [
      "one that looks sick",
      { collections: [verdict("suspect"), collection("b")] },
      "stress",
      /^1 collection looks sick, which is not confirmed yet$/,
    ],
    [
      "one healing beside one critical",
      { collections: [verdict("critical"), verdict("healing")] },
      "action",
      /healing/,
    ],
  ] as const)("%s", (_, more, tone, text) => {
    const line = stateLine(overview(more as Partial<Overview>));
    expect(line.tone).toBe(tone);
    expect(line.text).toMatch(text);
  });

  it("never says that all is well of a loop that does not run", () => {
    const stopped = overview({
      loop: {
        condition: "stopped",
        stands_still: true,
        title: "The loop is not running",
        sentence: "The loop does not run.",
        statement: "SELECT 1;",
      },
    });
    expect(stateLine(stopped)).toEqual({
      tone: "unknown",
      text: "The loop is not running",
      more: "The loop does not run. What follows is from then. SELECT 1;",
    });
    expect(exitCode(stopped)).toBe(4);
    // A standby reads what the primary writes: nothing runs there, and that is right.
    expect(
      exitCode({
        ...stopped,
        loop: { ...stopped.loop, condition: "standby", stands_still: false },
      }),
    ).toBe(0);
  });

  it.each([
    ["healthy", 0],
    ["recovering", 0],
    ["suspect", 3],
    ["stress", 3],
    ["critical", 3],
    ["healing", 3],
    ["unknown", 5],
  ] as const)(
    "a collection that is %s beside a healthy one: exit code %d, and never all is well but " +
      "where it is",
    (how, code) => {
      const two = overview({ collections: [verdict(how), collection("b")] });
      expect(exitCode(two)).toBe(code);
      expect(/are healthy/.test(stateLine(two).text)).toBe(how === "healthy");
    },
  );

  it("tells an error of the last tick from one that later ticks have overtaken", () => {
    const failing = (failed: boolean) =>
      overview({
        tick: { at: 999_000, age: 1, interval: 5, error: "42P01: x", error_at: 940_000, failed },
      });
    expect(tickError(failing(true))).toBe("The last tick failed: 42P01: x");
    expect(tickError(failing(false))).toBe(
      "A tick failed 1 min ago, and the last one did not: 42P01: x",
    );
    expect(tickError(overview())).toBeNull();
  });
});

/**
 * A graph as the sensor makes it, with one partition of some health, in the form
 * ruvector_contracted_graph() answers.
 */
function graphOf(partitions: number, hot: number | null, centroids = 0) {
  const member = (id: string, label: string, health: number) => ({ id, label, mass: 1, health });
  const graph = contractedGraph({
    shard: { id: "shard:0", label: "this server" },
    groups: [
      {
        kind: "partition",
        hubHealth: 1,
        members: Array.from({ length: partitions }, (_, place) =>
          member(`partition:p${place}`, `public.p${place}`, place === hot ? 0.3 : 1),
        ),
      },
      ...(centroids > 0
        ? [
            {
              kind: "centroid" as const,
              hubHealth: 1,
              members: Array.from({ length: centroids }, (_, place) =>
                member(`c${place}`, `c${place}`, 1),
              ),
            },
          ]
        : []),
    ],
    replicas: [],
    indexes: [],
  });
  // With one sick member the cut crosses its links: computing it for graphs of hundreds takes
  // longer than drawing them.
  const witness = graph.edges
    .filter(({ health }) => health < 1)
    .map(({ u, v, type, nominal, health }) => ({
      type,
      nominal,
      health,
      capacity: nominal * health,
      from: graph.nodes[u]!.id,
      from_type: graph.nodes[u]!.type,
      to: graph.nodes[v]!.id,
      to_type: graph.nodes[v]!.type,
    }));
  return {
    nodes: graph.nodes,
    witness,
    edges: graph.edges.map(({ u, v, type, nominal, health }) => ({
      from: graph.nodes[u]!.id,
      to: graph.nodes[v]!.id,
      type,
      nominal,
      health,
    })),
  };
}

describe("the graph as it is drawn", () => {
  it("keeps what the cut takes off one by one, and one node for the healthy rest", () => {
    const { nodes, edges, witness } = graphOf(256, 7);
    const scene = reduceGraph(nodes, edges, witness, () => ["5 x"]);
    expect(scene.nodes.map(({ label }) => label).sort()).toEqual([
      "255 healthy partitions",
      "public.p7",
      "this server",
    ]);
    expect(scene.nodes.filter(({ cut }) => cut).map(({ id, notes }) => [id, notes])).toEqual([
      ["partition:p7", ["5 x"]],
    ]);
    expect(scene.edges.filter(({ cut }) => cut).every(({ health }) => health < 1)).toBe(true);
    expect(scene).toMatchObject({ total_nodes: 257 });
  });

  it("draws few partitions each for itself", () => {
    const { nodes, edges, witness } = graphOf(8, 3);
    const scene = reduceGraph(nodes, edges, witness);
    expect(scene.nodes).toHaveLength(9);
    expect(scene.nodes.filter(({ cut }) => cut).map(({ label }) => label)).toEqual(["public.p3"]);
  });

  it("marks nothing where no edge is weak", () => {
    const { nodes, edges } = graphOf(8, null);
    const scene = reduceGraph(nodes, edges, []);
    expect([...scene.nodes, ...scene.edges].some(({ cut }) => cut)).toBe(false);
  });

  it("stays small and within the picture, whatever the size", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 300 }),
        fc.integer({ min: 0, max: 200 }),
        fc.boolean(),
        fc.integer({ min: 300, max: 1100 }),
        (partitions, centroids, hot, width) => {
          const { nodes, edges, witness } = graphOf(partitions, hot ? 0 : null, centroids);
          const scene = reduceGraph(nodes, edges, witness);
          expect(scene.nodes.length).toBeLessThanOrEqual(45);
          expect(scene.nodes.reduce((sum, { count }) => sum + count, 0)).toBe(nodes.length);
          const placed = layout(scene, width, 400);
          for (const { x, y, r } of placed.nodes) {
            expect(x - r).toBeGreaterThanOrEqual(0);
            expect(x + r).toBeLessThanOrEqual(width);
            expect(y - r).toBeGreaterThanOrEqual(0);
            expect(y + r).toBeLessThanOrEqual(400);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("labels nothing over anything else or outside, and what is cut off always", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 300 }),
        fc.integer({ min: 0, max: 200 }),
        fc.boolean(),
        fc.integer({ min: 300, max: 1100 }),
        fc.integer({ min: 5, max: 9 }),
        (partitions, centroids, hot, width, wide) => {
          const { nodes, edges, witness } = graphOf(partitions, hot ? 0 : null, centroids);
          const scene = reduceGraph(nodes, edges, witness, () => ["5.2 times the mean rows"]);
          const placed = layout(scene, width, 400);
          const measure = (text: string): number => text.length * wide;
          const labels = placeLabels(scene.nodes, placed.nodes, { width, height: 400 }, measure);
          const boxes = labels.map((one) => boxOf(one, scene.nodes[one.node]!.cut, measure));
          const circles = placed.nodes.map(({ x, y, r }) => ({
            left: x - r,
            right: x + r,
            top: y - r,
            bottom: y + r,
          }));
          boxes.forEach((box, place) => {
            expect(Math.min(box.left, box.top)).toBeGreaterThanOrEqual(0);
            expect(box.right).toBeLessThanOrEqual(width);
            expect(box.bottom).toBeLessThanOrEqual(400);
            for (const other of [...boxes.slice(0, place), ...circles])
              expect(
                box.right <= other.left ||
                  other.right <= box.left ||
                  box.bottom <= other.top ||
                  other.bottom <= box.top,
              ).toBe(true);
          });
          if (hot) expect(labels.some((one) => scene.nodes[one.node]!.cut)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("shortens a name to what no other is called, at its end or its beginning", () => {
    const hosts = new Set(["reader-1.example.internal", "reader-2.example.internal"]);
    expect(told("reader-1.example.internal", 14, hosts)).toBe("reader-1.exam…");
    const parts = new Set(["embeddings_2026_01", "embeddings_2026_11", "embeddings_2027_01"]);
    expect(told("embeddings_2026_01", 9, parts)).toBe("…_2026_01");
    expect(told("embeddings_2026_01", 7, parts)).toBe("…026_01");
    expect(told("embeddings_2026_01", 4, parts)).toBeNull();
    expect(told("embeddings_2026_01", 40, parts)).toBe("embeddings_2026_01");
  });

  it("survives ids that are nobody's", () => {
    const { nodes, edges } = graphOf(4, null);
    const stray = {
      type: "partition_link" as const,
      from: "constructor",
      to: "__proto__",
      from_type: "partition" as const,
      to_type: "partition" as const,
      nominal: 1,
      capacity: 0,
      health: 0,
    };
    expect(() => reduceGraph(nodes, [...edges, { ...stray }], [stray])).not.toThrow();
  });
});

describe("the watched frame", () => {
  const many = overview({
    collections: Array.from({ length: 50 }, (_, place) =>
      collection(
        `public.collection_${place}`,
        place === 0
          ? {
              verdict: "critical",
              sentence: "lambda 0.1 is below 0.3",
              state: "critical",
              lambda: 0.1,
              refusals: [
                {
                  reason: "cooldown",
                  message: "cooling",
                  flips_at: "later",
                  count: 3,
                  since: 0,
                  escalated: false,
                },
              ],
            }
          : {},
      ),
    ),
    active: [active],
  });

  it("says the rows of an action once, and what else its message says", () => {
    const message = "300 rows of 1200 moved in batches of 50 rows";
    const one = { ...active, rows_done: 300, rows_planned: 1200, message };
    const shown = stripVTControlCharacters(
      frame({ overview: { ...many, active: [one] }, received: 0, trouble: null }, 100, 40, 0),
    );
    expect(shown).toContain("300 of 1 200 rows\n  in batches of 50 rows");
    expect(shown).not.toContain("of 1200");
  });

  it("fits every terminal, and keeps what matters", () => {
    for (const [columns, rows] of [
      [20, 8],
      [40, 12],
      [80, 24],
      [200, 60],
    ] as const) {
      const lines = frame(
        { overview: many, received: 0, trouble: null },
        columns,
        rows,
        1000,
      ).split("\n");
      expect(lines.length).toBeLessThan(rows);
      for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
    }
    const text = frame({ overview: many, received: 0, trouble: null }, 100, 30, 1000);
    expect(text).toContain("public.collection_0");
    expect(text).toMatch(/and \d+ more, none worse/);
    expect(text).toContain("25 %  10 of 40 rows");
  });

  it("says when it is not current", () => {
    expect(
      frame({ overview: many, received: 0, trouble: "db does not answer" }, 100, 30, 90_000),
    ).toMatch(/not current: 1 min old/);
  });

  it("shows nothing of a name that acts on the screen", () => {
    const hostile = overview({ collections: [collection("public.\u001b[2Jx\u202e")] });
    // eslint-disable-next-line no-control-regex
    expect(
      frame({ overview: hostile, received: 0, trouble: null }, 80, 24, 0).replace(
        /\u001b\[\d+(;\d+)*m/g,
        "",
      ),
    ).not.toMatch(/[\u001b\u202e]/);
  });

  it("tells a log what has changed, once", () => {
    expect(news(null, overview())).toHaveLength(2);
    expect(news(overview(), overview())).toEqual([]);
    expect(news(overview(), many)[0]).toBe("public.collection_0 critical: lambda 0.1 is below 0.3");
  });

  it("keeps the lowest of what falls together in a sparkline", () => {
    expect(squeezed([1, 0.2, null, null, 1, 1], 3)).toEqual([0.2, null, 1]);
  });
});

describe("answers that are shared", () => {
  it("are read once for all who ask, again when they are old; a failure is not kept", async () => {
    let time = 0;
    let reads = 0;
    const cache = createCache(() => time);
    const read = async (): Promise<number> => ++reads;
    expect(await Promise.all([cache.get("x", 100, read), cache.get("x", 100, read)])).toEqual([
      1, 1,
    ]);
    time = 99;
    expect(await cache.get("x", 100, read)).toBe(1);
    time = 100;
    expect(await cache.get("x", 100, read)).toBe(2);
    await expect(cache.get("y", 100, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await cache.get("y", 100, read)).toBe(3);
  });
});
