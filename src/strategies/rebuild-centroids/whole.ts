/**
 * A partitioned table's index as a whole: each part was built anew beside the old one; then, in one
 * transaction, a new parent is made ON ONLY the table, the new parts are attached to it, and names
 * are exchanged. Undone as a whole, dropped as a whole.
 */
import type { RebuildPlan, Target } from "./target.ts";
import sql, { raw } from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import type { Action, Step, NewStep, UndoResult } from "../../model/action.ts";
import type { Collection } from "../../model/collection.ts";
import { CENTROIDS } from "../../sense/collect/centroids.ts";
import type { Memory } from "../../sense/collect/kept-index.ts";
import { lastMeasurement, keepMeasurement } from "../../store/measurements.ts";
import { copyExtras } from "./extras.ts";
import {
  buildCommand,
  type IndexFacts,
  indexFacts,
  nowCalled,
  oidOf,
  rename,
  type ReplacedIndex,
  replacedIndex,
  unforeseen,
  tryLock,
} from "./indexes.ts";
import { bothStay } from "./ours.ts";
import {
  type Exchange,
  go,
  NOTHING_LEFT,
  present,
  type RebuildContext,
  type RebuildProgress,
  type RebuildResult,
  type RebuiltAs,
  refused,
  wait,
} from "./shared.ts";

type Part = Exchange["parts"][number];

/** Whether this target is the last part of its index. */
export const isLastPart = ({ targets }: RebuildPlan, place: number): boolean =>
  targets[place + 1]?.whole?.oid !== targets[place]?.whole?.oid;

/**
 * Exchanges a whole index. ACCESS EXCLUSIVE on the table and all its partitions, had at once or not
 * at all, for the time of some changes in the catalogue: attaching wants it of each part.
 */
export function exchanging(
  { host, collection, action }: RebuildContext,
  target: Target,
  progress: RebuildProgress,
): RebuildResult {
  const { whole } = target;
  const parent = whole && indexFacts(host, whole.oid);
  if (!parent || parent.index !== whole.index)
    throw refused(
      `${whole?.index} is not the index any more that the plan was made for`,
      "The next evaluation plans anew.",
    );
  if (!tryLock(host, parent.heap, "ACCESS EXCLUSIVE", true)) {
    return wait(
      { ...progress, stage: "exchanging" },
      `all parts of ${parent.index} are built; ${parent.heap} and its partitions have to be ` +
        "free for an instant",
    );
  }
  const group = action.plan.targets
    .map((one, place) => ({ one, place }))
    .filter(({ one }) => one.whole?.oid === whole.oid);
  const fresh = unforeseen(host, `ruvector_whole_${action.id}_${progress.target}`);
  const made = `${parent.schema}.${fresh}`;
  const command = {
    name: fresh,
    options: parent.method === "ivfflat" ? { lists: parent.lists } : {},
    parent: true,
  };
  host.execute(sql`${raw(buildCommand(host, parent.oid, command))}`);
  const parts = group.map(({ one, place }) =>
    exchangePart(host, one, made, {
      built: progress.ready[place],
      kept: `ruvector_kept_${action.id}_${place}`,
    }),
  );
  const kept = unforeseen(host, `ruvector_kept_${action.id}_whole_${progress.target}`);
  const details: Exchange = { ...exchangeParent(host, parent, made, kept), parts };
  const step: NewStep<RebuiltAs<"swap_whole">> = {
    kind: "swap_whole",
    details,
    rows: 0,
    journal: [{ memory: forget(host, collection, parts) }],
  };
  return go(
    {
      ...progress,
      stage: "begin",
      target: progress.target + 1,
      attempt: 0,
      job: null,
      built: null,
      before: null,
      after: null,
      rebuilt: progress.rebuilt + parts.length,
      rows: (progress.rows ?? 0) + group.reduce((sum, { one }) => sum + one.rows, 0),
    },
    [step],
  );
}

/**
 * A new part is attached to the new parent, and takes the old one's name.
 * @param kept what the old part is called from then on, or something like it
 */
function exchangePart(
  host: Host,
  target: Target,
  parent: string,
  { built, kept: wanted }: { readonly built: string | undefined; readonly kept: string },
): Part {
  const old = present(host, target);
  if (old.whole?.oid !== target.whole?.oid)
    throw refused(
      `the partition of ${target.index} was taken out of its table`,
      "The next evaluation plans anew.",
    );
  if (built === undefined)
    throw refused(`the new part of ${target.index} is missing`, "The next evaluation plans anew.");
  copyExtras(host, old.oid, built);
  host.execute(sql`ALTER INDEX ${raw(parent)} ATTACH PARTITION ${raw(built)}`);
  const kept = unforeseen(host, wanted);
  rename(host, old.index, kept);
  rename(host, built, old.name);
  return { index: old.index, name: old.name, kept: `${old.schema}.${kept}` };
}

/** The new parent takes the old one's name; it is valid where every partition has its part. */
function exchangeParent(
  host: Host,
  parent: IndexFacts,
  made: string,
  kept: string,
): Omit<Exchange, "parts"> {
  copyExtras(host, parent.oid, made);
  rename(host, parent.index, kept);
  rename(host, made, parent.name);
  const oid = oidOf(host, parent.index)!;
  if (!indexFacts(host, oid)?.valid)
    throw refused(
      `${parent.heap} has a partition that is not in the plan`,
      "The next evaluation plans anew.",
    );
  return {
    index: parent.index,
    name: parent.name,
    kept: `${parent.schema}.${kept}`,
    heap: parent.heap,
    oid,
  };
}

/** The new parts are their own baselines. Returns what was remembered of the old ones. */
function forget(host: Host, collection: Collection, parts: readonly Part[]): Memory {
  const names = new Set(parts.map(({ index }) => index));
  const memory = Object.entries(
    lastMeasurement<Memory>(host, collection.id, CENTROIDS)?.value ?? {},
  );
  keepMeasurement<Memory>(
    host,
    collection.id,
    CENTROIDS,
    Object.fromEntries(memory.filter(([index]) => !names.has(index))),
  );
  return Object.fromEntries(memory.filter(([index]) => names.has(index)));
}

/**
 * A partition that was taken out of the table took the new part along, which is nobody's part any
 * more: it keeps that one. A name that somebody has for something else stays theirs.
 */
function partBack(host: Host, { kept, index, name, whole }: ReplacedIndex): void {
  if (oidOf(host, index) === null) rename(host, kept, name);
  else if (whole === null) host.execute(sql`DROP INDEX ${raw(kept)}`);
}

function extrasBack(host: Host, collection: Collection, from: string, to: string): void {
  const was = nowCalled(host, collection, to);
  const oid = oidOf(host, from);
  if (oid !== null && oidOf(host, was) !== null) copyExtras(host, oid, was);
}

/** Drops the new index with its parts and gives the old one its names back. */
export function exchangeBack(
  host: Host,
  collection: Collection,
  action: Action,
  step: Step<RebuiltAs<"swap_whole">>,
): UndoResult<{ readonly memory: Memory }> {
  const { oid, parts } = step.details;
  const old = replacedIndex(host, collection, step.details);
  if (!old) return { ...NOTHING_LEFT, gone: 1 };
  const { kept, heap, index, name } = old;
  const there = oidOf(host, index);
  // Somebody may have dropped the new one and have something of that name of their own: then both
  // stay. REINDEX leaves the oid of a partitioned table's index as it is.
  if (there !== null && there !== oid) return bothStay(host, action, old);
  // One whose partition was dropped went with it.
  const back = parts.flatMap((part) => replacedIndex(host, collection, part) ?? []);
  if (
    !tryLock(host, heap, "ACCESS EXCLUSIVE", true) ||
    !back.every((part) => tryLock(host, part.heap, "ACCESS EXCLUSIVE"))
  )
    return { ...NOTHING_LEFT, remaining: step.journal };
  if (there !== null) {
    // What somebody said of them meanwhile is theirs.
    for (const [from, to] of [[index, kept], ...parts.map((part) => [part.index, part.kept])])
      extrasBack(host, collection, from!, to!);
    host.execute(sql`DROP INDEX ${raw(index)}`);
  }
  rename(host, kept, name);
  for (const part of back) partBack(host, part);
  const names = new Set(parts.map((part) => part.index));
  const memory = Object.entries(
    lastMeasurement<Memory>(host, collection.id, CENTROIDS)?.value ?? {},
  ).filter(([one]) => !names.has(one));
  const [entry] = step.journal;
  keepMeasurement<Memory>(host, collection.id, CENTROIDS, {
    ...Object.fromEntries(memory),
    ...entry?.memory,
  });
  return { ...NOTHING_LEFT, undone: 1 };
}
