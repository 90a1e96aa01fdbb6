/** How rebuild_centroids takes back what it did, and drops what it kept. */
import { type KeptIndex, overdueIndexes } from "../../store/built-indexes.ts";
import { keepForGood } from "../../store/actions.ts";
import { cancelJob } from "../../jobs/watch.ts";
import { isOpen, jobsOf } from "../../store/jobs.ts";
import sql, { raw } from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import type { Action, Step, UndoResult } from "../../model/action.ts";
import type { Collection } from "../../model/collection.ts";
import { CENTROIDS } from "../../sense/collect/centroids.ts";
import type { Memory } from "../../sense/collect/kept-index.ts";
import { sqlLiteral } from "../../base/text.ts";
import { recordEvent } from "../../store/events.ts";
import { lastMeasurement, keepMeasurement } from "../../store/measurements.ts";
import { watchJob } from "../../jobs/jobs.ts";
import { copyExtras } from "./extras.ts";
import {
  dropIndex,
  indexFacts,
  nowCalled,
  oidOf,
  rename,
  type ReplacedIndex,
  replacedIndex,
  tryLock,
} from "./indexes.ts";
import { dropLeftovers } from "./leftovers.ts";
import { bothStay, builtAlike } from "./ours.ts";
import { NOTHING_LEFT, type RebuiltAs } from "./shared.ts";

/** The old index gets its name back, the new one its own; the build's undo drops it. */
export function swapBack(
  host: Host,
  collection: Collection,
  action: Action,
  step: Step<RebuiltAs<"swap_index">>,
): UndoResult<RebuiltAs<"swap_index">["journal"][number]> {
  const { built, oid } = step.details;
  const old = replacedIndex(host, collection, step.details);
  if (!old) return { ...NOTHING_LEFT, gone: 1 };
  const { kept, heap, index, name } = old;
  if (!tryLock(host, heap, "SHARE UPDATE EXCLUSIVE"))
    return { ...NOTHING_LEFT, remaining: step.journal };
  const built_name = built.slice(built.lastIndexOf(".") + 1);
  // Somebody may have dropped the new one and have something of that name of their own: then both
  // stay.
  const there = oidOf(host, index);
  if (there !== null && there !== oid && !builtAlike(host, action, { index, kept, built }))
    return bothStay(host, action, old);
  if (there !== null) {
    // What somebody said of it meanwhile is theirs.
    copyExtras(host, there, kept);
    rename(host, index, built_name);
  }
  rename(host, kept, name);
  const { [index]: _, ...others } =
    lastMeasurement<Memory>(host, collection.id, CENTROIDS)?.value ?? {};
  const [entry] = step.journal;
  keepMeasurement<Memory>(
    host,
    collection.id,
    CENTROIDS,
    entry?.memory ? { ...others, [index]: entry.memory } : others,
  );
  return { ...NOTHING_LEFT, undone: 1 };
}

/** Ends the build and drops what came of it. */
export function dropBuilt(
  host: Host,
  collection: Collection,
  action: Action,
  step: Step<RebuiltAs<"build_index">>,
): UndoResult<RebuiltAs<"build_index">["journal"][number]> {
  const built = nowCalled(host, collection, step.details.built);
  if (stillRuns(host, action, "build_index")) return { ...NOTHING_LEFT, remaining: step.journal };
  const waiting = dropIndex(host, action, built);
  return waiting === null
    ? { ...NOTHING_LEFT, undone: 1 }
    : { ...NOTHING_LEFT, remaining: step.journal };
}

/**
 * Ends a REINDEX that was not over; its number of lists goes back, what it left behind is dropped.
 */
export function stopReindex(
  host: Host,
  action: Action,
  step: Step<RebuiltAs<"reindex">>,
): UndoResult<RebuiltAs<"reindex">["journal"][number]> {
  const { index, oid, lists } = step.details;
  if (stillRuns(host, action, "reindex")) return { ...NOTHING_LEFT, remaining: step.journal };
  if (dropLeftovers(host, action, step.details) !== null)
    return { ...NOTHING_LEFT, remaining: step.journal };
  const facts = indexFacts(host, oid);
  const [entry] = step.journal;
  // Done already: it cannot be taken back, and its number of lists is what it was built with.
  if (facts?.index !== index || entry === undefined || entry.lists === lists) return NOTHING_LEFT;
  if (!tryLock(host, facts.heap, "SHARE UPDATE EXCLUSIVE"))
    return { ...NOTHING_LEFT, remaining: step.journal };
  host.execute(sql`ALTER INDEX ${raw(index)} SET (lists = ${raw(String(entry.lists))})`);
  return { ...NOTHING_LEFT, undone: 1 };
}

/** Cancels the open jobs of a purpose. true: one of them has not ended yet. */
function stillRuns(host: Host, action: Action, purpose: string): boolean {
  const open = jobsOf(host, action.id).filter((job) => job.purpose === purpose && isOpen(job));
  return open.some(
    ({ id }) => isOpen(watchJob(host, id)) && isOpen(cancelJob(host, id, "the action is undone")),
  );
}

/**
 * Drops the old indexes of actions that were verified a while ago. From then on the action cannot
 * be undone. Parts go with their parent, but for those of partitions that were taken out of the
 * table since. What became a part of somebody's partitioned index (ATTACH PARTITION takes the
 * oldest that fits) cannot be dropped: it stays, and so does its undo.
 */
export function dropKept(host: Host, collection: Collection): void {
  const kept = overdueIndexes(host, collection.id, collection.settings.kept_index_seconds);
  const ours = new Set(kept.map((one) => bare(one.kept)));
  const waiting = kept.filter((one) => {
    const old = replacedIndex(host, collection, one);
    if (!old || old.whole === null)
      return dropIndex(host, one.action, old?.kept ?? one.kept) !== null;
    if (ours.has(bare(old.whole))) return false;
    if (!one.told) tellStaying(host, collection, one, old);
    return true;
  });
  const over = new Set(
    kept
      .map(({ action }) => action.id)
      .filter((id) => !waiting.some(({ action }) => action.id === id)),
  );
  for (const id of over) keepForGood(host, id);
}

const bare = (index: string): string => index.slice(index.lastIndexOf(".") + 1);

function tellStaying(
  host: Host,
  { id, name }: Collection,
  { action, kept: was }: KeptIndex,
  { kept, whole }: ReplacedIndex,
): void {
  recordEvent(host, {
    collection_id: id,
    collection: name,
    action_id: action.id,
    kind: "action_index_stays",
    message:
      `${kept} stays: it is a part of ${whole} by now. This puts it back and drops the one that ` +
      `took its place: SELECT ruvector_healing_rollback(${sqlLiteral(name)}, ${action.id});`,
    details: { index: was },
  });
}
