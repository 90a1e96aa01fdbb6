/**
 * compact_indexes: rebuilds fragmented indexes, worst first, one at a time, while reads and writes
 * go on.
 */
import * as z from "zod/mini";
import type { BatchContext, PlanRequest, Strategy } from "../strategy.ts";
import { type CompactPlan, planCompaction } from "./plan.ts";
import { clearStep, compactBatch, type CompactProgress, gaveNothing } from "./rebuild.ts";

export const compactIndexes: Strategy = {
  name: "compact_indexes",
  handles: ["index_fragmentation"],
  impact: 0.5,
  reversible: false,
  description:
    "Rebuilds fragmented indexes with REINDEX CONCURRENTLY, worst first, one at a time, by " +
    "one-off pg_cron jobs.",
  params: {
    indexes: z.optional(
      z
        .array(z.string().check(z.minLength(1), z.maxLength(200)))
        .check(z.minLength(1), z.maxLength(100)),
    ),
    max_seconds_per_index: z.optional(z.int().check(z.gte(1), z.lte(1_000_000))),
  },

  applicable({ limitations }) {
    return limitations.find(({ strategy }) => strategy === "compact_indexes") ?? true;
  },

  plan: (request: PlanRequest) => planCompaction(request),
  executeBatch: (context: BatchContext) => compactBatch(context),
  undoStep: (context, step) => clearStep(context, step),
  boundTo(plan) {
    const { indexes } = plan as CompactPlan;
    return {
      facts: { indexes: indexes.map(({ index, oid }) => `${index} (oid ${oid})`) },
      amounts: { bytes: Object.fromEntries(indexes.map(({ index, bytes }) => [index, bytes])) },
    };
  },
  reaches: (plan) => ({
    partitions: [],
    indexes: (plan as CompactPlan).indexes.map(({ index }) => index),
  }),
  // Between two indexes; what a job has begun is brought to its end and cleared up.
  mayStop: ({ progress }) => ((progress as Partial<CompactProgress>).phase ?? "start") === "start",
  preflight: ["transactions", "wraparound", "slots"],
  remeasures: ["indexes"],
  describeStep: (_kind, { index }) =>
    `REINDEX INDEX CONCURRENTLY ${String(index)} by a pg_cron job`,
  inVain: ({ plan, progress }) =>
    gaveNothing(
      (plan as CompactPlan).indexes,
      (progress as Partial<CompactProgress>).results ?? [],
    ),
  describeProgress: ({ progress }) => (progress as Partial<CompactProgress>).note || "not begun",
};
