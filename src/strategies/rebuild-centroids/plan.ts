/** What rebuild_centroids foresees: which indexes, with how many lists, at what cost. */
import { endedEarly } from "../../jobs/timeouts.ts";
import { blocksAsBuilt } from "../../sense/cost.ts";
import type { CentroidGroup } from "../../sense/vector-index.ts";
import { lockedNow } from "../locked.ts";
import { foresee } from "../foresee.ts";
import sql from "sql-template-tag";
import { family } from "../../collection/introspect.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import type { Radius } from "../../model/cost.ts";
import { bytes, list } from "../../base/text.ts";
import { moreMemory } from "../../sense/collect/trial.ts";
import { skewOf } from "../../sense/lists.ts";
import type { Snapshot } from "../../sense/snapshot.ts";
import { whyNoCron } from "../../jobs/cron.ts";
import type { NothingToDo, PlanRequest } from "../strategy.ts";
import { buildCommand, type IndexFacts } from "./indexes.ts";
import { buildMemory, listsToTry } from "./lists.ts";
import { choose, withWholes } from "./choose.ts";
import { attemptsOf, type Target, type RebuildPlan } from "./target.ts";

export type Request = Omit<PlanRequest, "params">;

/** @param asked the index, and how many lists, that somebody asked for */
export function planRebuild(
  request: Request,
  asked: { readonly index: string | undefined; readonly lists: number | undefined },
): RebuildPlan | NothingToDo {
  const { host, collection, snapshot } = request;
  const groups = snapshot.centroids.filter(({ method }) => method === "ivfflat");
  if (groups.length === 0)
    return {
      nothing: `${collection.name} has no ivfflat index`,
      hint: "hnsw indexes have no centroids; their recall is shown by ruvector_healing_recall().",
    };
  const barred = lockedNow(host, collection);
  if (barred) return barred;
  const chosen = choose(groups, collection, asked.index);
  if ("nothing" in chosen) return chosen;
  const wholes = withWholes(host, collection, groups, {
    chosen,
    asked: asked.index !== undefined,
  });
  if ("nothing" in wholes) return wholes;
  const wanted = wholes.map(({ group, facts, whole }) => ({
    whole,
    target: targetOf(host, group, facts, whole, asked.lists),
  }));
  // One that cannot be built better is in nobody's way, but in that of the whole that it is a part
  // of.
  const out = wanted.flatMap(({ whole, target }) =>
    "nothing" in target ? [{ whole, nothing: target }] : [],
  );
  const targets = wanted.flatMap(({ whole, target }) =>
    "nothing" in target || (whole !== null && out.some((other) => other.whole?.oid === whole.oid))
      ? []
      : [target],
  );
  if (targets.length === 0)
    return (
      out[0]?.nothing ?? {
        nothing: "the index is gone",
        hint: "The next sample sees what is there now.",
      }
    );
  return (
    byHand(host, targets) ??
    buildEndedEarly(host, targets) ??
    planOf(request, "rebuild_centroids", targets, (some) => rebuilt(snapshot, some))
  );
}

/**
 * Where no job can be made: what a person types. A part of a partitioned table's index cannot be
 * dropped, and no other one takes its place: it is built anew as it is.
 */
export function byHand(host: Host, targets: readonly Target[]): NothingToDo | null {
  const missing = whyNoCron(host);
  if (!missing) return null;
  const [{ way, command, index }] = targets as readonly [Target];
  const typed =
    way === "beside"
      ? `${command}; then DROP INDEX CONCURRENTLY ${index};`
      : targets.map((one) => `REINDEX INDEX CONCURRENTLY ${one.index};`).join(" ");
  return {
    nothing: `${missing.reason}: ${missing.detail}`,
    hint: `${missing.hint} Or by hand: ${typed}`,
  };
}

export const buildEndedEarly = (host: Host, targets: readonly Target[]): NothingToDo | null =>
  endedEarly(host, "a build", Math.max(...targets.map(({ build_seconds }) => build_seconds)));

function targetOf(
  host: Host,
  group: CentroidGroup,
  facts: IndexFacts,
  whole: Target["whole"],
  asked: number | undefined,
): Target | NothingToDo {
  if (!facts.may) {
    return {
      nothing: `role ${facts.role} does not own ${facts.heap} and cannot build indexes on it`,
      hint: `GRANT ${facts.owner} TO ${facts.role};`,
    };
  }
  const { measured } = group;
  if (!measured || (measured.recall === null && !(whole && measured.rows === 0))) {
    return {
      nothing:
        `the recall of ${group.index} is not known: whether a rebuild keeps it could not be ` +
        "judged",
      hint: "SELECT ruvector_integrity_sample(...) shows why, under unmeasured.",
    };
  }
  const { rows } = measured;
  const lists = listsToTry(group, measured, facts, asked);
  if ("nothing" in lists) return lists;
  const memory_bytes =
    facts.vector_bytes === null ? null : buildMemory(rows, Math.max(...lists), facts.vector_bytes);
  if (memory_bytes !== null && memory_bytes > facts.memory)
    return tooLittleMemory(`${group.index} with ${Math.max(...lists)} lists`, memory_bytes, facts);
  // A row is compared with every center once; what one comparison of every row takes was measured
  // by the exact search.
  const perList = (measured.exact_ms ?? 1) / 1000 / measured.share;
  return {
    index: group.index,
    oid: facts.oid,
    heap: facts.heap,
    way: wayOf(facts, whole),
    whole,
    lists_before: facts.lists,
    lists,
    rows,
    bytes: facts.bytes,
    memory_bytes,
    recall: measured.recall,
    skew: skewOf(measured, group.lists),
    command: buildCommand(host, facts.oid, { name: "", options: { lists: lists[0]! } }).replace(
      "CONCURRENTLY  ON",
      "CONCURRENTLY ON",
    ),
    build_seconds: Math.ceil(5 + 2 * perList * Math.max(...lists)),
  };
}

export function tooLittleMemory(
  what: string,
  needed: number,
  { memory, role }: IndexFacts,
): NothingToDo {
  return {
    nothing: `building ${what} needs ${bytes(needed)}; maintenance_work_mem is ${bytes(memory)}`,
    hint: moreMemory(role, needed),
  };
}

/** How it is rebuilt: exchanged with its whole, in its place, or beside the old one. */
export function wayOf({ attached }: IndexFacts, whole: Target["whole"]): Target["way"] {
  if (whole) return "whole";
  return attached ? "in_place" : "beside";
}

/** How often it is built: each attempt; in place once to try it out and once to do it. */
const buildsOf = (target: Target): number =>
  attemptsOf(target).length + (target.way === "in_place" ? 1 : 0);

/**
 * As many of the worst as the blast radius takes; an index that is exchanged whole is never cut,
 * and where not even the worst fits none is.
 */
function within(all: readonly Target[], { bytes: most, wal_bytes }: Radius): readonly Target[] {
  if (all.some(({ way }) => way === "whole")) return all;
  let left = most;
  let log = wal_bytes;
  const fits = all.filter((one) => {
    const { bytes: size } = one;
    const writes = size * buildsOf(one);
    if (!(size <= left && writes <= log)) return false;
    left -= size;
    log -= writes;
    return true;
  });
  return fits.length > 0 ? fits : all;
}

/** @param after the snapshot as it would be with these built anew */
export function planOf(
  { host, collection, tick_seconds, radius }: Request,
  strategy: string,
  all: readonly Target[],
  after: (targets: readonly Target[]) => Snapshot,
): RebuildPlan {
  const { settings } = collection;
  const targets = within(all, radius);
  const wholeLocks = locksOfWhole(host, collection, targets.length);
  const builds = targets.reduce((sum, target) => sum + buildsOf(target), 0);
  const work = targets.reduce((sum, one) => sum + one.build_seconds * buildsOf(one), 0);
  const size = targets.reduce((sum, target) => sum + target.bytes, 0);
  return {
    strategy,
    rows: targets.reduce((sum, { rows }) => sum + rows, 0),
    bytes: size,
    // A build logs its pages; a row comes once, whatever the number of tries is only known
    // afterwards.
    wal_bytes: Math.round(size * (builds / Math.max(1, targets.length))),
    relation_locks: targets.some(({ way }) => way === "whole") ? wholeLocks : 3,
    reversible: targets.every(({ way }) => way !== "in_place" && way !== "repair"),
    ...foresee(after(targets), settings),
    // pg_cron starts a job at the next full minute, and dropping an index in use is one too.
    estimated_duration_seconds: Math.ceil(
      work + builds * (120 + 2 * tick_seconds) + settings.stabilize_seconds + 2 * tick_seconds,
    ),
    locks: locksText(collection, targets, size),
    targets,
    ...(targets.length < all.length && { trimmed_from: all.length }),
  };
}

/** All partitions with their indexes, and the new ones beside them. */
const locksOfWhole = (host: Host, { relid }: Collection, targets: number): number =>
  host.one<{ locks: number }>(sql`
    SELECT (count(DISTINCT f.relid) + count(i.indexrelid))::int + ${targets}::int + 1
      AS locks
      FROM ${family(sql`${relid}::oid`)} f LEFT
        JOIN pg_index i ON i.indrelid = f.relid`).locks;

/** The snapshot as it would be with these indexes rebuilt. */
export function rebuilt(snapshot: Snapshot, targets: readonly Target[]): Snapshot {
  const healed = new Set(targets.map(({ index }) => index));
  // What was reported of the lists it builds anew says nothing about the new ones.
  const reported = Object.entries(snapshot.pushed.centroid_occupancy ?? {}).filter(
    ([id]) => !targets.some(({ index }) => id.startsWith(`centroid:${index}:`)),
  );
  const pushed = {
    ...snapshot.pushed,
    ...(snapshot.pushed.centroid_occupancy && { centroid_occupancy: Object.fromEntries(reported) }),
  };
  return {
    ...snapshot,
    pushed,
    centroids: snapshot.centroids.map((group) =>
      healed.has(group.index) ? asBuilt(group) : group,
    ),
  };
}

const locksText = (
  { name }: Collection,
  targets: readonly Target[],
  size: number,
): readonly string[] => [
  `SHARE UPDATE EXCLUSIVE on ${list(targets.map(({ heap }) => heap))} while an index is ` +
    "built (CREATE INDEX CONCURRENTLY): readers and writers go on",
  "SHARE UPDATE EXCLUSIVE for an instant to exchange the names; ACCESS EXCLUSIVE for an " +
    "instant to drop an index, only where it is had at once",
  ...(targets.some(({ way }) => way === "whole")
    ? [
        `ACCESS EXCLUSIVE on ${name} and all its partitions for an instant, ` +
          "only where all of it is had at once, to exchange a partitioned index whole",
      ]
    : []),
  `disk: ${bytes(size)} or so for ${targets.length} new ` +
    `${targets.length === 1 ? "index" : "indexes"} beside the old until it is verified`,
];

/** As it is foreseen after its rebuild: lists alike, recall as it has been, the cost due of it. */
function asBuilt(group: CentroidGroup): CentroidGroup {
  const { measured, baseline, lists } = group;
  if (!measured) return group;
  return {
    ...group,
    measured: {
      ...measured,
      recall: Math.max(measured.recall ?? 0, baseline ?? 0),
      search_blocks: blocksAsBuilt(group),
      lists: {
        source: "pageinspect",
        rows: Array.from({ length: lists }, () => measured.rows / lists),
      },
    },
  };
}
