/**
 * What tune_search foresees: the least ef_search (probes) at which searches find what is due, and
 * what they cost then.
 */
import { isNamed } from "../../base/names.ts";
import { type CurvePoint, type RecallCurve, recallCurve } from "../../sense/recall-curve.ts";
import { vectorIndexes } from "../../sense/collect/centroids.ts";
import { settingName } from "../../sense/collect/searches.ts";
import type { CentroidGroup, FilteredSearch } from "../../sense/vector-index.ts";
import type { Collection } from "../../model/collection.ts";
import { lostSearches, recallHealth, searchHealth } from "../../sense/assess/recall-health.ts";
import { lockedNow } from "../locked.ts";
import type { NothingToDo, PlanRequest } from "../strategy.ts";
import { figures } from "../../classify/findings.ts";
import { configure, printable, short, shortAbove } from "../../base/text.ts";
import { goingOn, meansFor, servedBy } from "./filtered.ts";
import { meets } from "./meets.ts";
import { planOf, type Tuned, type TunePlan } from "./plan-of.ts";
import { byHand, type Scope, whoseSetting } from "./setting.ts";
import type { TunedSearch } from "./tried.ts";

type Request = Omit<PlanRequest, "params">;

/** Indexes whose recall is no longer what is due, by its own measure, the worst first. */
export const lostIndexes = (
  groups: readonly CentroidGroup[],
  { settings }: Collection,
): readonly CentroidGroup[] =>
  groups
    .map((group) => ({ group, health: recallHealth(group, settings) ?? 1 }))
    .filter(({ health }) => health < 1)
    .sort((a, b) => a.health - b.health)
    .map(({ group }) => group);

/** Blocks, or milliseconds where blocks are not counted; null: neither is known. */
const ratio = (before: CurvePoint, after: CurvePoint): number | null => {
  const [was, is] =
    before.blocks !== null && after.blocks !== null
      ? [before.blocks, after.blocks]
      : [before.ms, after.ms];
  return was === null || is === null || was <= 0 ? null : is / was;
};

/**
 * The least value that meets what is due: between the points of the curve it is looked for in up to
 * four steps more.
 */
function least(
  curve: RecallCurve,
  now: number,
  enough: (point: CurvePoint) => boolean,
): CurvePoint | null {
  const above = curve.points.filter(({ value }) => value > now);
  const place = above.findIndex(enough);
  let found = above[place];
  if (!found) return null;
  let low = place > 0 ? above[place - 1]!.value : now;
  for (let step = 0; step < 4 && found.value - low > Math.max(1, low / 8); step++) {
    const between = curve.at(Math.round((low + found.value) / 2));
    if (!between) break;
    if (enough(between)) found = between;
    else low = between.value;
  }
  return found;
}

const tooDear = ({ name, settings }: Collection, what: string, dearer: number): NothingToDo => ({
  nothing: `${what}; search_cost_ratio allows ${short(settings.search_cost_ratio)}`,
  hint: `${configure(`{"search_cost_ratio": ${shortAbove(dearer)}}`, name)} lets it.`,
});

function tuned(
  { host, collection }: Request,
  group: CentroidGroup,
  oid: string,
): Tuned | NothingToDo {
  const { method, lists, measured, baseline: due, index } = group;
  const name = printable(index, 200);
  if (!measured || due === null)
    return {
      nothing: `the recall of ${name} is not known`,
      hint: "SELECT ruvector_integrity_sample(...) shows why, under unmeasured.",
    };
  const curve = recallCurve(host, collection, { oid, method, lists, probes: measured.probes });
  if ("why" in curve)
    return { nothing: `${name} could not be searched: ${curve.why}`, hint: "The next sample." };
  const setting = settingName(method);
  const before = curve.points.find(({ value }) => value === measured.probes);
  if (!before)
    return {
      nothing: `${name} could not be searched with ${setting} = ${measured.probes}`,
      hint: "The next sample.",
    };
  if (meets(before.recall, due, collection))
    return {
      nothing:
        `searches by ${name} find what is due: ${figures(before.recall)} at ${setting} = ` +
        `${before.value}, ${figures(due)} is due`,
      hint: "The next sample looks at it again.",
    };
  const { search_cost_ratio: most } = collection.settings;
  // Less its error: what is chosen is the first of many that seems to do.
  const after = least(curve, before.value, ({ recall, recall_error }) =>
    meets(recall - recall_error, due, collection),
  );
  const best = curve.points[curve.points.length - 1]!;
  if (!after)
    return {
      nothing:
        `no ${setting} finds what is due of ${name}: at ${best.value} its recall is ` +
        `${figures(best.recall)}, ${figures(due)} is due`,
      hint: "vacuum_index and rebuild_index heal the index itself.",
    };
  const dearer = ratio(before, after);
  if (dearer !== null && dearer > most)
    return tooDear(
      collection,
      `${setting} = ${after.value} would find what is due of ${name} (${figures(after.recall)}), ` +
        `at ${shortAbove(dearer)} times what a search costs now`,
      dearer,
    );
  if (before.taken && !after.taken)
    return {
      nothing:
        `with ${setting} = ${after.value} the planner would no longer take ${name}: it would ` +
        "read the whole table",
      hint: "vacuum_index and rebuild_index heal the index itself.",
    };
  return { group, oid, before, after };
}

export interface Wanted {
  readonly index?: string | undefined;
  /** The iterative scan that somebody asked for. */
  readonly iterative_scan?: string | undefined;
}

/** @param wanted what somebody asked for */
export function planTuning(request: Request, wanted: Wanted): TunePlan | NothingToDo {
  const { host, collection, snapshot } = request;
  const { index: asked } = wanted;
  const named = snapshot.centroids.filter(
    ({ index }) => asked !== undefined && isNamed(index, asked, collection.schema_name),
  );
  const groups = asked === undefined ? lostIndexes(snapshot.centroids, collection) : named;
  const searches = lostSearches(snapshot.searches, collection.settings).filter(
    ({ measured }) =>
      asked === undefined || named.some(({ index }) => measured!.indexes.includes(index)),
  );
  const [worst] = groups;
  if (!worst && searches.length === 0)
    return {
      nothing:
        asked === undefined
          ? "no vector index finds less than what is due"
          : `there is no vector index ${printable(asked, 200)} on ${collection.name}`,
      hint: `SELECT * FROM ruvector_healing_recall('${collection.name.replace(/'/g, "''")}');`,
      beside: true,
    };
  const scope = whoseSetting(host, collection);
  if ("nothing" in scope) return scope;
  const barred = lockedNow(host, collection);
  if (barred) return barred;
  const health = (group: CentroidGroup): number => recallHealth(group, collection.settings) ?? 1;
  const [search] = searches;
  if (search && (!worst || searchHealth(search, collection.settings)! <= health(worst)))
    return planSearches(request, searches, scope, wanted.iterative_scan);
  return planIndexes(request, groups, worst!, scope);
}

function planIndexes(
  request: Request,
  groups: readonly CentroidGroup[],
  worst: CentroidGroup,
  scope: Scope,
): TunePlan | NothingToDo {
  const { host, collection } = request;
  const oids = new Map(vectorIndexes(host, collection).map(({ index, oid }) => [index, oid]));
  const all = groups
    .filter(({ method }) => method === worst.method)
    .map((group) => tuned(request, group, oids.get(group.index) ?? "0"));
  // The worst is what lambda goes by.
  const [first] = all;
  if ("nothing" in first!) return first;
  const fits = all.filter((one): one is Tuned => !("nothing" in one));
  const setting = settingName(worst.method);
  const value = Math.max(...fits.map(({ after }) => after.value));
  return (
    byHand(scope, setting, value) ?? planOf(request, scope, { setting, value, fits, searches: [] })
  );
}

/** The means of the worst one; the others are set for as far as it serves them too. */
function planSearches(
  request: Request,
  lost: readonly FilteredSearch[],
  scope: Scope,
  asked: string | undefined,
): TunePlan | NothingToDo {
  const { host, collection } = request;
  const [worst, ...others] = lost;
  const there = vectorIndexes(host, collection);
  const one = there.find(({ oid }) => oid === worst!.oid);
  if (!one) return { nothing: "the index is gone", hint: "The next sample." };
  const first = meansFor(host, collection, worst!, { ...one, probes: 0 }, asked);
  if ("nothing" in first) return first;
  const { setting, value, was } = first.means;
  const served = others
    .filter(({ method }) => method === worst!.method)
    .flatMap((other): TunedSearch[] => {
      const found = servedBy(host, collection, other, first.means);
      return found ? [found] : [];
    });
  const found = { setting, value, was, fits: [], searches: [first.tuned, ...served] };
  const oids = new Map(there.map(({ index, oid }) => [index, oid]));
  const lostToo = lostIndexes(request.snapshot.centroids, collection).map((group) => ({
    ...group,
    oid: oids.get(group.index) ?? "0",
  }));
  return (
    byHand(scope, setting, value) ??
    planOf(request, scope, { ...found, goingOn: goingOn(host, collection, lostToo, first.means) })
  );
}
