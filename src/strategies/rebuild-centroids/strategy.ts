/**
 * rebuild_centroids: builds an IVF index anew beside the old one, compares what both find, and
 * exchanges them when the new one is better. The old one is kept under another name until the
 * action is verified.
 */
import { count } from "../../base/text.ts";
import { optionsText, type RebuildPlan } from "./target.ts";
import * as z from "zod/mini";
import type { Strategy } from "../strategy.ts";
import { planRebuild } from "./plan.ts";
import { type RebuildProgress, type Rebuilt, START } from "./shared.ts";
import { exchangeBack } from "./whole.ts";
import { swapBack, dropBuilt, stopReindex, dropKept } from "./undo.ts";
import { STAGES, end } from "./stages.ts";

const PARAMS = () => ({
  lists: z.optional(z.int().check(z.gte(1), z.lte(32_768))),
  index: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
});

export const rebuildCentroids: Strategy<RebuildPlan, RebuildProgress, Rebuilt, typeof PARAMS> = {
  name: "rebuild_centroids",
  handles: ["centroid_skew"],
  impact: 0.45,
  reversible: true,
  description:
    "Builds an IVF index anew beside the old one, compares what searches by both find and " +
    "cost, and exchanges them if the new one finds more and costs no more.",
  params: PARAMS,
  start: START,
  applicable: ({ limitations }) =>
    limitations.find(({ strategy }) => strategy === "rebuild_centroids") ?? true,
  plan: ({ params, ...request }) => planRebuild(request, params),

  executeBatch(context) {
    const { plan, progress } = context.action;
    const target = plan.targets[progress.target];
    if (!target) return end(progress);
    return STAGES[progress.stage](context, target, progress);
  },

  boundTo: ({ targets }) => ({
    facts: { indexes: targets.map(({ index, oid, way }) => `${index} (oid ${oid}, ${way})`) },
    amounts: { bytes: Object.fromEntries(targets.map(({ index, bytes }) => [index, bytes])) },
  }),

  reaches: ({ targets }) => ({ partitions: [], indexes: targets.map(({ index }) => index) }),
  // Between two indexes; what a job has begun, and parts that wait for the others, are brought to
  // their end.
  mayStop: ({ progress: { stage, attempt, ready } }) =>
    stage === "begin" && attempt === 0 && Object.keys(ready).length === 0,

  preflight: ["transactions", "wraparound", "slots"],

  remeasures: ["centroids"],

  describeStep({ kind, details }) {
    switch (kind) {
      case "build_index":
        return (
          `built ${details.built} with ${optionsText(details.options)} beside ` + details.index
        );
      case "reindex":
        return (
          `rebuilt ${details.index} in place` +
          (details.lists > 0 ? ` with ${details.lists} lists` : "")
        );
      case "swap_index":
      case "swap_whole":
        return putInPlace(details.index, details.kept);
    }
  },

  describeProgress: ({ progress: { target, stage, rebuilt, note }, plan: { targets } }) =>
    (note ?? `${stage === "begin" ? "beginning" : stage} ${targets[target]?.index ?? ""}`) +
    `, ${rebuilt} of ${targets.length} done`,

  describeConflicts: (conflicts) =>
    `${count(conflicts, "old index")} kept beside another one that has its place now: ` +
    "ruvector_healing_explain() says which, and what to type",

  describeGone: (gone) => `${count(gone, "old index")} dropped or renamed since: the new one stays`,

  undoStep({ host, collection, action }, step) {
    switch (step.kind) {
      case "swap_index":
        return swapBack(host, collection, action, step);
      case "swap_whole":
        return exchangeBack(host, collection, action, step);
      case "reindex":
        return stopReindex(host, action, step);
      case "build_index":
        return dropBuilt(host, collection, action, step);
    }
  },

  dropLater: dropKept,
};

const putInPlace = (index: string, old: string): string =>
  `put the new index in the place of ${index}, kept as ${old} until verified`;
