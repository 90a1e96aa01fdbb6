/**
 * rebuild_index: rebuild_centroids for a vector index that finds less than it should, hnsw too.
 * Built beside the old one with the same parameters first, then denser ones if a trial says so;
 * exchanged only if it finds what is due at no more cost.
 */
import * as z from "zod/mini";
import type { Strategy } from "../strategy.ts";
import type { RebuildPlan } from "../rebuild-centroids/target.ts";
import type { RebuildProgress, Rebuilt } from "../rebuild-centroids/shared.ts";
import { rebuildCentroids } from "../rebuild-centroids/strategy.ts";
import { planRebuildIndex } from "./plan.ts";

const PARAMS = () => ({ index: z.optional(z.string().check(z.minLength(1), z.maxLength(200))) });

const { dropLater: _, ...rebuilding } = rebuildCentroids;

/** Old indexes that were kept are dropped by rebuild_centroids, of both. */
export const rebuildIndex: Strategy<RebuildPlan, RebuildProgress, Rebuilt, typeof PARAMS> = {
  ...rebuilding,
  name: "rebuild_index",
  handles: ["recall_loss"],
  description:
    "Builds a vector index (hnsw, ivfflat) that finds too little anew beside the old one and " +
    "exchanges them if the new one finds what is due and costs no more.",
  params: PARAMS,
  applicable: ({ limitations }) =>
    limitations.find(({ strategy }) => strategy === "rebuild_index") ?? true,
  plan: ({ params, ...request }) => planRebuildIndex(request, params.index),
};
