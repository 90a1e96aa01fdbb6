/**
 * compact_indexes: rebuilds fragmented indexes, worst first, one at a time, while reads and writes
 * go on.
 */
import { clearStep } from "./leftovers.ts";
import { type CompactProgress, gaveNothing, type Reindexed, START } from "./progress.ts";
import * as z from "zod/mini";
import type { Strategy } from "../strategy.ts";
import { type CompactPlan, planCompaction } from "./plan.ts";
import { compactBatch } from "./rebuild.ts";

const PARAMS = () => ({
  indexes: z.optional(
    z
      .array(z.string().check(z.minLength(1), z.maxLength(200)))
      .check(z.minLength(1), z.maxLength(100)),
  ),
  max_seconds_per_index: z.optional(z.int().check(z.gte(1), z.lte(1_000_000))),
});

export const compactIndexes: Strategy<CompactPlan, CompactProgress, Reindexed, typeof PARAMS> = {
  name: "compact_indexes",
  handles: ["index_fragmentation"],
  impact: 0.5,
  reversible: false,
  description:
    "Rebuilds fragmented indexes with REINDEX CONCURRENTLY, worst first, one at a time, by " +
    "one-off pg_cron jobs.",
  params: PARAMS,
  start: START,

  applicable({ limitations }) {
    return limitations.find(({ strategy }) => strategy === "compact_indexes") ?? true;
  },

  plan: ({ params, ...request }) => planCompaction(request, params.indexes),
  executeBatch: compactBatch,
  undoStep: clearStep,
  boundTo: ({ indexes }) => ({
    facts: { indexes: indexes.map(({ index, oid }) => `${index} (oid ${oid})`) },
    amounts: { bytes: Object.fromEntries(indexes.map(({ index, bytes }) => [index, bytes])) },
  }),
  reaches: ({ indexes }) => ({ partitions: [], indexes: indexes.map(({ index }) => index) }),
  // Between two indexes; what a job has begun is brought to its end and cleared up.
  mayStop: ({ progress }) => progress.phase === "start",
  preflight: ["transactions", "wraparound", "slots"],
  remeasures: ["indexes"],
  describeStep: ({ details: { index } }) => `REINDEX INDEX CONCURRENTLY ${index} by a pg_cron job`,
  inVain: ({ plan, progress }) => gaveNothing(plan.indexes, progress.results),
  describeProgress: ({ progress }) => progress.note || "not begun",
};
