/**
 * tune_search: has searches look deeper, by the least ef_search or probes that finds what is due
 * within a cost limit. The least disruptive way to more recall, and the first to go when it is not
 * needed.
 */
import * as z from "zod/mini";
import { HealingError } from "../../base/errors.ts";
import type { Host } from "../../host/host.ts";
import type { Progress } from "../../model/action.ts";
import type { Collection } from "../../model/collection.ts";
import { measureIndex } from "../../sense/collect/measure-index.ts";
import { vectorIndexes } from "../../sense/collect/centroids.ts";
import { searchFinds } from "../../sense/assess/recall-health.ts";
import { CURVE_SAMPLES } from "../../sense/recall-curve.ts";
import { notTraffic } from "../../sense/activity/activity.ts";
import { grantLease } from "../../store/leases.ts";
import { figures } from "../../classify/findings.ts";
import { count } from "../../base/text.ts";
import { lockedNow } from "../locked.ts";
import type { BatchContext, BatchResult, Strategy } from "../strategy.ts";
import { type LeaseGranted, undoLease } from "../undo-lease.ts";
import { lookAgain, putBack, SEARCH_SETTING, type Tuning, tuningText } from "./lease.ts";
import { searched } from "./filtered.ts";
import { meets } from "./meets.ts";
import type { TunePlan } from "./plan-of.ts";
import { planTuning } from "./plan.ts";
import { alterSetting, looksAsDeep, roleOid, settingElsewhere, settingOf } from "./setting.ts";

interface TuneProgress extends Progress {
  readonly set: number;
}

interface Tuned extends LeaseGranted {
  readonly kind: "tune_search";
  readonly details: {
    readonly role: string;
    readonly setting: string;
    readonly value: number | string;
    readonly was: string | null;
  };
}

const PARAMS = () => ({
  index: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
  iterative_scan: z.optional(z.enum(["strict_order", "relaxed_order"])),
});

export const tuneSearch: Strategy<TunePlan, TuneProgress, Tuned, typeof PARAMS> = {
  name: "tune_search",
  handles: ["recall_loss"],
  impact: 0.15,
  reversible: true,
  description:
    "Sets the least hnsw.ef_search (ivfflat.probes), or the iterative scan, at which searches " +
    "find what is due, for the table's owner and named roles in this database.",
  params: PARAMS,
  start: { set: 0 },
  applicable: ({ limitations }) =>
    limitations.find(({ strategy }) => strategy === "tune_search") ?? true,
  plan: ({ params, ...request }) => planTuning(request, params),
  executeBatch: setAll,
  boundTo: ({ setting, value, roles, indexes, searches }) => ({
    facts: {
      setting: [`${setting} = ${value}`],
      roles,
      indexes: indexes.map(({ index, oid }) => `${index} (oid ${oid})`),
      ...(searches && { searches: searches.map(({ text }) => text) }),
    },
    amounts: {},
  }),
  preflight: [],
  remeasures: ["centroids"],
  describeStep: ({ details: { role, setting, value, was } }) =>
    tuningText({ role, setting, value }, was),
  describeProgress: ({ plan, progress: { set } }) =>
    `${plan.setting} set for ${set} of ${count(plan.roles.length, "role")}`,
  undoStep: ({ host, action }, step) => undoLease(host, step, action.id, putBack),
  endLease: putBack,
  clearUp: lookAgain,
};

/** Searches once more with the value, which is what it is set for, then sets it for each role. */
function setAll({
  host,
  collection,
  action,
}: BatchContext<TunePlan, TuneProgress>): BatchResult<TuneProgress, Tuned> {
  const { setting, value, roles, indexes, searches = [], was: untuned } = action.plan;
  const barred = lockedNow(host, collection);
  if (barred) return { done: false, steps: [], progress: action.progress, waiting: barred.nothing };
  const files = stillNeeded(host, collection, action.plan);
  const steps = roles.flatMap((role) => {
    const was = settingOf(host, role, setting);
    // A role of tune_roles that looks deeper already is not to look less deep.
    if (looksAsDeep(was ?? settingElsewhere(host, role, setting), value)) return [];
    const target: Tuning = {
      role,
      role_oid: roleOid(host, role),
      setting,
      value,
      indexes: [
        ...indexes.map(({ index, due }) => ({ index, due, file: files.get(index)! })),
        ...searches.map(({ index, due, search }) => ({
          index,
          due,
          file: files.get(index)!,
          search,
        })),
      ],
      untuned: untuned ?? indexes[0]!.before.value,
      looked_at: host.now() / 1000,
    };
    const lease = grantLease(host, action, {
      kind: SEARCH_SETTING,
      target: { ...target },
      previous: { value: was },
      seconds: collection.settings.tune_seconds,
    });
    alterSetting(host, role, setting, String(value));
    return [
      {
        kind: "tune_search" as const,
        details: { role, setting, value, was },
        rows: 0,
        journal: [{ lease }],
      },
    ];
  });
  return { done: true, steps, progress: { set: steps.length, done: true, remeasure: true } };
}

/**
 * The indexes' files by name, once each was searched with the value.
 * @throws HealingError where one is gone, or does not find what is due with it any more
 */
function stillNeeded(
  host: Host,
  collection: Collection,
  { setting, value, indexes, searches = [] }: TunePlan,
): ReadonlyMap<string, string> {
  const there = new Map(vectorIndexes(host, collection).map((one) => [one.index, one]));
  const { recall_k: k, recall_budget_ms } = collection.settings;
  const samples = Math.max(CURVE_SAMPLES, collection.settings.recall_samples);
  for (const { index, oid, due } of indexes) {
    const found =
      there.get(index)?.oid === oid
        ? notTraffic(host, collection, () =>
            measureIndex(host, collection, oid, {
              k,
              samples,
              probes: Number(value),
              budget_ms: 10 * recall_budget_ms,
              occupancy: false,
            }),
          )
        : { why: "it was dropped or rebuilt" };
    if ("why" in found || found.recall === null || !meets(found.recall, due, collection))
      throw new HealingError(
        "remedy_refused",
        `${index} is not as it was planned for any more: ` +
          ("why" in found
            ? found.why
            : `${setting} = ${value} finds ${figures(found.recall ?? 0)}, ${figures(due)} is due`),
        { hint: "The next evaluation plans anew." },
      );
  }
  for (const { search, text, index, oid, due } of searches) {
    const found = there.has(index)
      ? searched(host, collection, { search, oid }, { [setting]: String(value) })
      : { why: `${index} was dropped` };
    if ("why" in found || !searchFinds(found, due, collection.settings))
      throw new HealingError(
        "remedy_refused",
        `searches WHERE ${text} are not as it was planned for any more: ` +
          ("why" in found
            ? found.why
            : `${setting} = ${value} finds ${figures(found.recall ?? 0)}, ${figures(due)} is due`),
        { hint: "The next evaluation plans anew." },
      );
  }
  return new Map([...indexes, ...searches].map(({ index }) => [index, there.get(index)!.file]));
}
