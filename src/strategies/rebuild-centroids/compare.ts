/**
 * Judges a new index beside the old one, which is still there: what searches of the same rows find
 * by each, and what they cost.
 */
import { attemptsOf, optionsText, type Target } from "./target.ts";
import {
  type MeasuredAs,
  type MeasureOptions,
  measureIndex,
} from "../../sense/collect/measure-index.ts";
import type { IndexMeasurement } from "../../sense/vector-index.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import { count } from "../../base/text.ts";
import { notTraffic } from "../../sense/activity/activity.ts";
import { searchFinds } from "../../sense/assess/recall-health.ts";
import { skewOf } from "../../sense/lists.ts";
import type { IndexFacts } from "./indexes.ts";
import { type Found, type RebuildProgress, refused } from "./shared.ts";

export function asked<const Options extends Partial<MeasureOptions>>(
  host: Host,
  collection: Collection,
  oid: string,
  options: Options,
): MeasuredAs<Options> | { readonly why: string } {
  const {
    recall_k: k,
    recall_samples: samples,
    recall_probes: probes,
    recall_budget_ms,
  } = collection.settings;
  return notTraffic(host, collection, () =>
    measureIndex(host, collection, oid, {
      k,
      samples,
      probes,
      budget_ms: 10 * recall_budget_ms,
      occupancy: false,
      ...options,
    }),
  );
}

export function measured(
  host: Host,
  collection: Collection,
  oid: string,
  samples: number,
): IndexMeasurement {
  const answer = asked(host, collection, oid, { samples, occupancy: true });
  if ("why" in answer)
    throw refused(
      `its recall could not be measured: ${answer.why}`,
      "What cannot be compared is not exchanged.",
    );
  return answer;
}

export function foundIn(answer: IndexMeasurement, lists: number): Found {
  // An empty partition: all there is to find is found.
  const found = answer.recall ?? (answer.rows === 0 ? 1 : null);
  if (found === null)
    throw refused(
      "its recall could not be measured: no rows to search for",
      "What cannot be compared is not exchanged.",
    );
  return {
    recall: found,
    skew: skewOf(answer, lists),
    samples: answer.samples,
    probes: answer.probes,
    recall_error: answer.recall_error ?? null,
    index_ms: answer.index_ms,
  };
}

/**
 * Whether the new index may stay: it finds what is due, or more than the old one where nothing is
 * said of that; a part of a whole no less than before. What is due, and what it finds, are figures
 * of a few searches each: one that finds more than the old, and would be sensed as well, stays.
 */
export const finds = (
  { settings }: Collection,
  { due, way }: Target,
  before: Found,
  after: Found,
): boolean => {
  if (due !== undefined)
    return (
      after.recall >= settings.recall[0] * due ||
      (after.recall > before.recall && searchFinds(after, due, settings))
    );
  return way === "whole" ? after.recall >= before.recall : better(before, after);
};

/** Recall never falls; where it is the same, the fullest list must be less full. */
export const better = (
  before: Pick<Found, "recall" | "skew">,
  after: Pick<Found, "recall" | "skew">,
): boolean =>
  after.recall > before.recall ||
  (after.recall === before.recall &&
    before.skew !== null &&
    after.skew !== null &&
    after.skew < before.skew);

const figure = (value: number): string => String(Number(value.toFixed(3)));

/**
 * Why an index stays, and what probes would have made the new one good: their number belongs to the
 * lists.
 */
export function worse(
  host: Host,
  collection: Collection,
  target: Target,
  built: IndexFacts,
  { before, after, attempt }: RebuildProgress,
): string {
  const options = attemptsOf(target)[attempt]!;
  const probes = Math.max(1, Math.round(Math.sqrt(options["lists"] ?? 0)));
  const advised =
    options["lists"] === undefined
      ? null
      : asked(host, collection, built.oid, { samples: before!.samples, probes });
  const advice =
    advised === null || "why" in advised || advised.recall === null
      ? ""
      : `, ${figure(advised.recall)} with ${probes}`;
  const setting =
    built.method === "hnsw" ? `ef_search ${after!.probes}` : count(after!.probes, "probe");
  return (
    `${target.index} stays as it is: with ${optionsText(options)} its ` +
    `recall@${collection.settings.recall_k} would be ${figure(after!.recall)} with ` +
    `${setting}${advice}; it is ${figure(before!.recall)}` +
    (target.due === undefined ? "" : `, ${figure(target.due)} is due`)
  );
}

/** Why an index stays though the new one finds more. */
export const dearer = (
  target: Target,
  { before, after, attempt }: RebuildProgress,
  veto: string,
): string =>
  `${target.index} stays as it is: with ` +
  `${optionsText(attemptsOf(target)[attempt]!)} ${veto}; its recall would be ` +
  `${figure(after!.recall)}, it is ${figure(before!.recall)}`;
