/** Which indexes rebuild_centroids takes on: the sick ones, and the wholes they are parts of. */
import { isNamed } from "../../base/names.ts";
import type { Target } from "./target.ts";
import type { CentroidGroup } from "../../sense/vector-index.ts";
import { toCurve } from "../../configuration/validate.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import { list } from "../../base/text.ts";
import { recallHealth } from "../../sense/assess/recall-health.ts";
import { vectorIndexes } from "../../sense/collect/centroids.ts";
import { moreTime } from "../../sense/collect/recall-gaps.ts";
import { health, HEALTH_AT_STRESS } from "../../graph/health.ts";
import { beyondAttained, skewOf, splittableRows } from "../../sense/lists.ts";
import type { NothingToDo } from "../strategy.ts";
import { type IndexFacts, indexFacts } from "./indexes.ts";

/** An index this near to the worst one's health keeps lambda down after the worst one is healed. */
const AS_SICK = 1.25;

/**
 * Health of an index as the graph sees it: of its recall or of its fullest list, whichever is
 * worse.
 */
function sickness(group: CentroidGroup, { settings }: Collection): number {
  const fullest = Math.max(0, ...splittableRows(group.measured?.lists ?? null));
  const skew =
    group.measured && fullest >= settings.min_rows_for_list
      ? skewOf(group.measured, group.lists)
      : null;
  const curve = toCurve(settings.list_occupancy, "log");
  return Math.min(
    recallHealth(group, settings, false) ?? 1,
    health(skew && beyondAttained(skew, group, curve.fine), curve) ?? 1,
  );
}

/**
 * The sick indexes, worst first: the worst and what is nearly as bad; the one asked for by name in
 * any case.
 */
export function choose(
  groups: readonly CentroidGroup[],
  collection: Collection,
  asked: string | undefined,
): readonly CentroidGroup[] | NothingToDo {
  if (asked !== undefined) {
    const found = groups.filter(({ index }) => isNamed(index, asked, collection.schema_name));
    if (found.length > 0) return found;
    return {
      nothing: `there is no ivfflat index ${asked} on ${collection.name}`,
      hint: `Its ivfflat indexes: ${list(
        groups.map(({ index }) => index),
        10,
      )}.`,
    };
  }
  const ranked = groups
    .map((group) => ({ group, health: sickness(group, collection) }))
    .sort((a, b) => a.health - b.health);
  const worst = ranked[0]!;
  if (worst.health >= 1)
    return noneSick(
      ranked.map(({ group }) => group),
      collection,
    );
  return ranked
    .filter((one) => one.health < 1 && one.health <= worst.health * AS_SICK)
    .map(({ group }) => group);
}

/** What is not judged for want of a trial is not said to be well. */
function noneSick(groups: readonly CentroidGroup[], collection: Collection): NothingToDo {
  const untold = groups.find(({ unattained }) => unattained !== undefined);
  const { index } = untold ?? groups[0]!;
  const anyway = `{"index": "${index.replace(/["\\]/g, "\\$&")}"} rebuilds`;
  return untold === undefined
    ? {
        nothing: "no list of an ivfflat index is overfull, and no recall has fallen",
        hint:
          "SELECT * FROM ruvector_healing_list_occupancy(); shows them. " +
          `${anyway} one all the same.`,
      }
    : {
        nothing:
          `no recall has fallen, and whether a list of ${index} is overfull is not known: how ` +
          `full a fresh build leaves them could not be tried (${untold.unattained})`,
        hint: `${moreTime(collection)} ${anyway} it all the same.`,
      };
}

interface Chosen {
  readonly group: CentroidGroup;
  readonly facts: IndexFacts;
  readonly whole: Target["whole"];
}

/**
 * Where more than half of the parts of a partitioned table's index are chosen, or in stress beside
 * one that is chosen, all its parts are: the index is exchanged whole. On a busy machine two parts
 * alike were measured by one search each, 0.1 and 0.6, and each was built anew by itself.
 */
export function withWholes(
  host: Host,
  collection: Collection,
  groups: readonly CentroidGroup[],
  { chosen, asked }: { readonly chosen: readonly CentroidGroup[]; readonly asked: boolean },
): Chosen[] | NothingToDo {
  const oids = new Map(vectorIndexes(host, collection).map(({ index, oid }) => [index, oid]));
  const all = groups.flatMap((group) => {
    const facts = indexFacts(host, oids.get(group.index) ?? "0");
    return facts ? [{ group, facts, whole: null }] : [];
  });
  const picked = all.filter(({ group }) => chosen.includes(group));
  const found: Chosen[] = [];
  for (const one of picked) {
    const { whole } = one.facts;
    const siblings = whole ? all.filter(({ facts }) => facts.whole?.oid === whole.oid) : [];
    // Of sub-partitioned tables the parent is a part itself; parts that are not measured cannot be
    // compared.
    const complete =
      whole !== null &&
      siblings.length === whole.parts.length &&
      indexFacts(host, whole.oid)?.attached === false;
    const sick = siblings.filter(
      ({ group }) =>
        chosen.includes(group) || (!asked && sickness(group, collection) < HEALTH_AT_STRESS),
    ).length;
    const many = 2 * sick > siblings.length;
    const unseen = siblings.filter(({ group }) => group.measured === null && group.waits);
    if (complete && !many && !asked && 2 * (sick + unseen.length) > siblings.length)
      return undecided(whole.index, unseen);
    if (!complete || !many) found.push(one);
    else if (!found.some((other) => other.whole?.oid === whole.oid))
      found.push(
        ...siblings.map((sibling) => ({
          ...sibling,
          whole: { oid: whole.oid, index: whole.index },
        })),
      );
  }
  return found;
}

/**
 * A part that is built anew in its place cannot be put back, and leaves the others as sick as they
 * are: ten tables at once, one of two parts was measured in time, was rebuilt, and nothing was
 * better for it.
 */
const undecided = (whole: string, unseen: readonly Chosen[]): NothingToDo => ({
  nothing:
    `whether ${whole} is to be exchanged whole is not known: not measured yet ` +
    `${unseen.length === 1 ? "is" : "are"} ${list(
      unseen.map(({ group }) => group.index),
      5,
    )}`,
  hint: "The next samples measure more; at once: a recall_budget_ms that is enough for all.",
});
